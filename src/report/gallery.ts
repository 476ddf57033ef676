/**
 * @module The sample gallery: each question with its variants side by side and, under each, the responses it got.
 */
import { digestJson } from "../core/files/digest.js";
import type {
  EvaluationRecord,
  EvaluationSample,
  ExtractedRecord,
  ResponseRecord,
  RolloutRecord,
  VariantRecord,
} from "../core/files/runRecords.js";
import { FILTERS } from "./assets.js";
import type { EmbeddedImage } from "./images.js";
import { html, type Markup } from "./markup.js";
import { formatNumber, formatPoints } from "./table.js";

export type Images = ReadonlyMap<string, EmbeddedImage>;

/** What is shown of a graded answer, whoever graded it. */
type Graded = Pick<EvaluationSample, "stopReason"> & {
  readonly reward: Pick<EvaluationSample["reward"], "accuracy" | "reason">;
};

/** A question with one graded answer. */
export type AnswerCard = Omit<EvaluationSample, "reward"> & Graded;

/** Longer responses are folded. */
const FOLD_FROM = 600;
const OPEN_AT_FIRST = 3;
const ZERO = 1e-6;

/** Picks at most `limit` samples, evenly over the run, the first and the last among them. */
export function pickSamples(rollouts: readonly RolloutRecord[], limit: number): RolloutRecord[] {
  if (rollouts.length <= limit) return [...rollouts];
  if (limit <= 1) return rollouts.slice(0, limit);
  const stride = (rollouts.length - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, at) => rollouts[Math.round(at * stride)]).filter(
    (rollout) => rollout !== undefined,
  );
}

/** The marks by which an answer can be filtered. */
function answerMarks({ reward, stopReason }: Graded): string[] {
  return [...(reward.accuracy === 1 ? [] : ["wrong"]), ...(stopReason === "length" ? ["truncated"] : [])];
}

/** The marks by which a response can be filtered. */
export function marksOf(response: ResponseRecord): string[] {
  const { advantageGlobal, advantageLocal } = response;
  const isZero = Math.abs(advantageGlobal ?? 0) < ZERO && Math.abs(advantageLocal ?? 0) < ZERO;
  return [...answerMarks(response), ...(isZero ? ["zero"] : [])];
}

function signed(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return formatPoints(Number(value.toFixed(2)) / 100).replace(/\.0$/, "") === "0"
    ? "0.00"
    : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}

function picture(name: string, images: Images, alt: string): Markup {
  const image = images.get(name);
  if (image?.kind === "image") return html`<img src="${image.source}" alt="${alt}" decoding="async">`;
  return html`<p class="missing">${name}: ${image?.reason ?? "not read"}</p>`;
}

function extractedText(extracted: ExtractedRecord): Markup {
  if ("text" in extracted) return html`<code>${extracted.text}</code>`;
  return html`<em>none (${extracted.none})</em>`;
}

/** What a response thinks and what it says after that; without the tags, all of it is said. */
export function splitThought(text: string): { readonly thought: string; readonly said: string } {
  const [, thought = "", said = text] = /^\s*<think>([\s\S]*?)<\/think>([\s\S]*)$/.exec(text) ?? [];
  return { thought: thought.trim(), said: said.trim() };
}

function body(text: string): Markup {
  if (text === "") return html`<p class="missing">empty response</p>`;
  const { thought, said } = splitThought(text);
  const thinking = thought === "" ? undefined : html`<p class="said thought" dir="auto">${thought}</p>`;
  const shown = html`${thinking}<p class="said" dir="auto">${said}</p>`;
  if (text.length <= FOLD_FROM) return shown;
  return html`<details><summary>${text.length.toLocaleString("en-US")} characters</summary>${shown}</details>`;
}

function verdict({ reward, stopReason }: Graded): Markup {
  const truncated = stopReason === "length" ? html` <b class="chip warn">truncated</b>` : undefined;
  return reward.accuracy === 1
    ? html`<b class="chip right">✓ correct</b>${truncated}`
    : html`<b class="chip wrong">✗ wrong</b>${truncated}`;
}

/** A named fact of a response. */
function fact(name: string, value: Markup): Markup {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

/** What every answer is known by: what was read out of it, what it should have been, and why it counts or not. */
function facts(extracted: ExtractedRecord, gold: string, reason: string): Markup[] {
  return [
    fact("extracted", extractedText(extracted)),
    fact("gold", html`<code>${gold}</code>`),
    fact("verdict", html`${reason}`),
  ];
}

/** @param isShared whether the response is also read under other variants' prompts */
function advantageText({ advantageGlobal, advantageLocal }: ResponseRecord, isShared: boolean): Markup {
  const own = (advantageGlobal ?? Number.NaN) + (advantageLocal ?? Number.NaN);
  const cross = html` · <span title="under the other variants' prompts: global only">cross ${signed(advantageGlobal)}</span>`;
  return html`<span title="under its own prompt: global + local">own ${signed(own)}</span>${isShared ? cross : undefined}`;
}

function responseCard(response: ResponseRecord, { gold, variants }: RolloutRecord): Markup {
  const { reward, extracted, i, tokens, text } = response;
  const parts = Object.entries({ accuracy: reward.accuracy, format: reward.format, ...reward.parts });
  const named = parts.map(([part, value]) => `${part} ${formatNumber(value)}`).join(", ");
  const rewards = html`${reward.overall.toFixed(2)} <span class="quiet">(${named})</span>`;
  return html`<li class="response" data-marks="${marksOf(response).join(" ")}">
<p class="head">${verdict(response)} <span class="quiet">response ${i + 1} · ${tokens} tokens</span></p>
${body(text)}
<dl>${facts(extracted, gold, reward.reason)}
${fact("reward", rewards)}
${fact("advantage", advantageText(response, variants.length > 1))}</dl></li>`;
}

function variantColumn(variant: VariantRecord, rollout: RolloutRecord, images: Images): Markup {
  const responses = rollout.responses.filter((response) => response.j === variant.index);
  const correct = responses.filter((response) => response.reward.accuracy === 1).length;
  const wording = variant.wording === "original" ? "original words" : `rewrite ${variant.wording + 1}`;
  const view = variant.transform === "none" ? "image as it is" : variant.transform.replaceAll("_", " ");
  const alt = `image of variant ${variant.index + 1}`;
  return html`<section class="variant">
<p class="head"><b>Variant ${variant.index + 1}</b> <span class="chip">${wording}</span> <span class="chip">${view}</span></p>
<div class="pictures">${variant.images.map((name) => picture(name, images, alt))}</div>
<p class="asked" dir="auto">${variant.text}</p>
<p class="quiet">${correct} of ${responses.length} responses correct</p>
<ol>${responses.map((response) => responseCard(response, rollout))}</ol>
</section>`;
}

function sample(rollout: RolloutRecord, images: Images, isOpen: boolean): Markup {
  const correct = rollout.responses.filter((response) => response.reward.accuracy === 1).length;
  return html`<details class="sample"${isOpen ? html` open` : undefined}>
<summary>${rollout.step > 0 ? html`<b>Step ${rollout.step}</b> · ` : undefined}${rollout.category} · ${correct} of ${rollout.responses.length} correct · gold <code>${rollout.gold}</code> <span class="quiet">${rollout.questionId}</span></summary>
${rollout.variants.length > 1 ? html`<p class="question" dir="auto">${rollout.question}</p>` : undefined}
<div class="variants">${rollout.variants.map((variant) => variantColumn(variant, rollout, images))}</div>
</details>`;
}

type Filters = readonly (readonly [string, string])[];

/** What answers can be filtered by: they have no advantages. */
const ANSWER_FILTERS: Filters = FILTERS.filter(([mark]) => mark !== "zero");

/** One choice of filter; `name` ties those of a page's gallery together. */
function filter(name: string, [mark, words]: readonly [string, string], count: number): Markup {
  const checked = mark === "all" ? html` checked` : undefined;
  return html`<label><input type="radio" name="${name}" value="${mark}"${checked}>${words} <span class="quiet">${count}</span></label>`;
}

/**
 * Samples below their filters.
 * @param id unique on its page
 * @param marks of every response that is shown
 */
export function filtered(
  id: string,
  marks: readonly (readonly string[])[],
  samples: readonly Markup[],
  filters: Filters = FILTERS,
): Markup {
  const choices = filters.map((choice) =>
    filter(id, choice, marks.filter((each) => each.includes(choice[0])).length),
  );
  return html`<div class="gallery">
<p class="filters" role="radiogroup" aria-label="Show responses">${filter(id, ["all", "all"], marks.length)}${choices}</p>
${samples}
<p class="missing nothing">No response is like that.</p></div>`;
}

/** How to read the samples. */
function legend(picked: readonly RolloutRecord[]): string {
  if (picked.every(({ variants }) => variants.length <= 1)) {
    return "One question per row, above the responses sampled to it.";
  }
  return "One question per row; its variants stand side by side, each above the responses sampled from it. Own advantage: global + local; cross: global, under the other variants' prompts.";
}

/** The gallery with its filters. */
export function gallery(picked: readonly RolloutRecord[], total: number, images: Images): Markup {
  if (picked.length === 0) return html`<p class="missing">No rollouts were logged yet.</p>`;
  const marks = picked.flatMap((rollout) => rollout.responses.map(marksOf));
  const id = `show-${digestJson(picked.map(({ step, questionId }) => [step, questionId])).slice(0, 8)}`;
  const samples = picked.map((rollout, at) => sample(rollout, images, at < OPEN_AT_FIRST));
  const note = total > picked.length ? ` ${picked.length} of ${total}, evenly over the run.` : "";
  return html`<p class="quiet">${legend(picked)}${note}</p>
${filtered(id, marks, samples)}`;
}

function answer(sample: AnswerCard, images: Images): Markup {
  return html`<details class="sample" open><summary>${verdict(sample)} ${sample.category} · gold <code>${sample.gold}</code> <span class="quiet">${sample.questionId}</span></summary>
<div class="variants"><section class="variant"><div class="pictures">${sample.images.map((name) => picture(name, images, "image of the question"))}</div>
<p class="asked" dir="auto">${sample.question}</p></section>
<section class="variant"><div class="response" data-marks="${answerMarks(sample).join(" ")}">${body(sample.response)}
<dl>${facts(sample.extracted, sample.gold, sample.reward.reason)}</dl></div></section></div></details>`;
}

/** Questions with one response each, below their filters. */
export function answerGallery(samples: readonly AnswerCard[], images: Images): Markup {
  if (samples.length === 0) return html`<p class="missing">No question was asked yet.</p>`;
  const id = `show-${digestJson(samples.map(({ questionId, response }) => [questionId, response])).slice(0, 8)}`;
  return filtered(
    id,
    samples.map(answerMarks),
    samples.map((sample) => answer(sample, images)),
    ANSWER_FILTERS,
  );
}

function heldoutAnswer(when: string, sample: EvaluationSample | undefined): Markup {
  if (!sample)
    return html`<section class="variant"><p class="head"><b>${when}</b></p><p class="missing">not kept</p></section>`;
  return html`<section class="variant"><p class="head"><b>${when}</b> ${verdict(sample)}</p>
<div class="response">${body(sample.response)}
<dl>${facts(sample.extracted, sample.gold, sample.reward.reason)}</dl></div></section>`;
}

/** Held-out questions with the greedy response before and after training. */
export function heldoutSamples(
  before?: EvaluationRecord,
  after?: EvaluationRecord,
  images: Images = new Map(),
): Markup {
  const old = new Map((before?.samples ?? []).map((sample) => [sample.questionId, sample]));
  const young = new Map((after?.samples ?? []).map((sample) => [sample.questionId, sample]));
  const rows = [...new Map([...old, ...young]).values()].map(
    (
      sample,
    ) => html`<details class="heldout"><summary>${sample.category} · gold <code>${sample.gold}</code> · ${mark(old.get(sample.questionId))} → ${mark(young.get(sample.questionId))} <span class="quiet">${sample.questionId}</span></summary>
<div class="pictures">${sample.images.map((name) => picture(name, images, "image of the question"))}</div>
<p class="asked" dir="auto">${sample.question}</p>
<div class="variants">${heldoutAnswer("before", old.get(sample.questionId))}${heldoutAnswer("after", young.get(sample.questionId))}</div></details>`,
  );
  return rows.length === 0 ? html`` : html`<h3>Held-out examples</h3>${rows}`;
}

function mark(sample: EvaluationSample | undefined): string {
  if (!sample) return "–";
  return sample.reward.accuracy === 1 ? "✓" : "✗";
}
