/**
 * @module The explorer of advantage sharing, in the browser: sliders in, rewards and advantages out, by the library's own
 * functions.
 */
import { ADVANTAGE_MODES, hierarchicalAdvantages } from "../../advantage/shareGrpo.js";
import { validProbability } from "../../advantage/validProbability.js";
import { Rng } from "../../core/rng.js";

const MOST_VARIANTS = 5;

/** One response as it was drawn. */
interface Drawn {
  readonly accuracy: number;
  readonly format: number;
}

interface Choice {
  readonly m: number;
  readonly n: number;
  readonly seed: number;
  /** Success probability of each variant. */
  readonly p_M: readonly number[];
  /** Chance that a response keeps the format. */
  readonly q: number;
  /** Weight of the format in the reward. */
  readonly w: number;
  readonly mode: keyof typeof ADVANTAGE_MODES;
}

/** The same uniform numbers under every slider, so that a drag changes only what it is about. */
function draw({ m, n, seed, p_M, q }: Choice): Drawn[][] {
  return Array.from({ length: m }, (_, j) => {
    const rng = Rng.fromSeed(seed).split("variant", j);
    return Array.from({ length: n }, (_, i) => {
      const own = rng.split("response", i);
      return {
        accuracy: own.split("accuracy").uniform() < (p_M[j] ?? 0) ? 1 : 0,
        format: own.split("format").uniform() < q ? 1 : 0,
      };
    });
  });
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  text = "",
  className = "",
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.textContent = text;
  if (className !== "") made.className = className;
  return made;
}

interface Slider {
  readonly row: HTMLElement;
  value(): number;
}

interface SliderOptions {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
}

function slider({ name, min, max, step, value }: SliderOptions, onChange: () => void): Slider {
  const row = element("label");
  const input = element("input");
  Object.assign(input, { type: "range", min, max, step, value });
  const shown = element("output", String(value));
  input.addEventListener("input", () => {
    shown.textContent = input.value;
    onChange();
  });
  row.append(element("span", name), input, shown);
  return { row, value: () => Number(input.value) };
}

const signed = (value: number): string => {
  const text = Math.abs(value).toFixed(2);
  if (text === "0.00") return "0";
  return `${value < 0 ? "−" : "+"}${text}`;
};

const STRONGEST = 2.5;

/** Blue for what is encouraged, orange for what is discouraged; nothing for nothing. */
function tint(value: number): string {
  const strength = Math.min(1, Math.abs(value) / STRONGEST);
  return `color-mix(in srgb, var(--${value > 0 ? "up" : "down"}) ${Math.round(100 * strength)}%, transparent)`;
}

/** A row of responses per variant. */
function grid(title: string, note: string, values_M_N: readonly (readonly number[])[], isSigned: boolean) {
  const section = element("section");
  const table = element("table");
  values_M_N.forEach((values_N, j) => {
    const row = table.insertRow();
    row.append(element("th", `variant ${j + 1}`));
    for (const value of values_N) {
      const cell = row.insertCell();
      cell.textContent = isSigned ? signed(value) : value.toFixed(2);
      cell.style.background = isSigned ? tint(value) : tint(value * STRONGEST);
    }
  });
  section.append(element("h2", title), table, element("p", note, "quiet"));
  return section;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Chances that a group has right and wrong answers, and so teaches. */
function chances({ m, n, p_M }: Choice): HTMLElement {
  const used = p_M.slice(0, m);
  const section = element("section");
  const list = element("dl");
  const add = (name: string, share: number) => {
    const bar = element("meter");
    Object.assign(bar, { min: 0, max: 1, value: share });
    const value = element("dd");
    value.append(bar, ` ${percent(share)}`);
    list.append(element("dt", name), value);
  };
  used.forEach((p, j) => {
    add(`GRPO, variant ${j + 1} alone, ${n} responses`, validProbability([p], n));
  });
  add(`GRPO, variant 1 alone, ${m * n} responses`, validProbability([used[0] ?? 0], m * n));
  add(`Share-GRPO, all ${m * n} pooled`, validProbability(used, n));
  const note = "1 − ∏ pⱼⁿ − ∏ (1 − pⱼ)ⁿ: the chance that right and wrong answers are both there.";
  section.append(element("h2", "Chance of a valid group"), list, element("p", note, "quiet"));
  return section;
}

function results(choice: Choice): HTMLElement[] {
  const rewards_M_N = draw(choice).map((drawn_N) =>
    drawn_N.map(({ accuracy, format }) => (1 - choice.w) * accuracy + choice.w * format),
  );
  const { global_M_N, local_M_N } = hierarchicalAdvantages(rewards_M_N, ADVANTAGE_MODES[choice.mode]);
  const own_M_N = global_M_N.map((global_N, j) =>
    global_N.map((value, i) => value + (local_M_N[j]?.[i] ?? 0)),
  );
  return [
    grid("Rewards", "(1 − w) · accuracy + w · format, a column per response.", rewards_M_N, false),
    chances(choice),
    grid(
      "Global advantage",
      "Against all responses to the question: what a response carries under the other variants' prompts.",
      global_M_N,
      true,
    ),
    grid("Local advantage", "Against the responses to the same variant.", local_M_N, true),
    grid("Global + local", "What a response carries under its own prompt.", own_M_N, true),
  ];
}

function start(root: HTMLElement): void {
  const controls = element("form");
  const shown = element("div", "", "results");
  let seed = 1;
  const update = () => shown.replaceChildren(...results(choice()));
  const m = slider({ name: "m, variants", min: 1, max: MOST_VARIANTS, step: 1, value: 2 }, () => arrange());
  const n = slider({ name: "n, responses each", min: 1, max: 8, step: 1, value: 6 }, update);
  const q = slider({ name: "format kept", min: 0, max: 1, step: 0.05, value: 0.95 }, update);
  const w = slider({ name: "w, weight of format", min: 0, max: 1, step: 0.05, value: 0.1 }, update);
  const p_M = Array.from({ length: MOST_VARIANTS }, (_, j) =>
    slider(
      { name: `p, variant ${j + 1} right`, min: 0, max: 1, step: 0.05, value: j === 0 ? 0.9 : 0.3 },
      update,
    ),
  );
  const mode = element("select");
  for (const name of Object.keys(ADVANTAGE_MODES)) mode.append(element("option", name));
  mode.value = "default";
  mode.addEventListener("change", update);
  const again = element("button", "draw again");
  again.type = "button";
  again.addEventListener("click", () => {
    seed++;
    update();
  });
  const choice = (): Choice => ({
    ...{ m: m.value(), n: n.value(), seed, q: q.value(), w: w.value() },
    p_M: p_M.map((each) => each.value()),
    mode: Object.keys(ADVANTAGE_MODES).find((name) => name === mode.value) as Choice["mode"],
  });
  const arrange = () => {
    p_M.forEach(({ row }, j) => {
      row.hidden = j >= m.value();
    });
    update();
  };
  const modeRow = element("label");
  modeRow.append(element("span", "mode"), mode);
  controls.append(m.row, n.row, ...p_M.map(({ row }) => row), q.row, w.row, modeRow, again);
  root.append(controls, shown);
  arrange();
}

const root = document.getElementById("explorer");
if (root) start(root);
