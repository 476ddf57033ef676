/**
 * @module The report's page: settings, what changed, curves, samples.
 */
import { createHash } from "node:crypto";
import { wilson } from "../core/stats.js";
import { FILTER_STYLE, GALLERY_STYLE, SCRIPT, STYLE } from "./assets.js";
import { benchmarkTable } from "./benchmarkScores.js";
import { trainingFigures } from "./curves.js";
import { type Figure, familyFigure, largest, median } from "./figure.js";
import { gallery, heldoutSamples, type Images, pickSamples } from "./gallery.js";
import { html, type Markup, scriptJson, trusted } from "./markup.js";
import type { Run } from "./run.js";
import {
  evaluationTable,
  formatBytes,
  formatNumber,
  formatPoints,
  formatShare,
  type Table,
} from "./table.js";
import { themed } from "./theme.js";

/** The settings that decide what a run is, with what people call them. */
const SETTINGS = [
  ["model", "model"],
  ["seed", "seed"],
  ["update.algorithm", "algorithm"],
  ["expand.variants", "variants per question (m)"],
  ["rollout.responses", "responses per variant (n)"],
  ["expand.transformProbability", "image transform probability"],
  ["train.questionsPerStep", "questions per step"],
  ["train.steps", "steps asked for"],
  ["update.optimizerStepsPerRollout", "optimizer steps per step"],
  ["update.learningRate", "learning rate"],
  ["update.clipLow", "clip, low"],
  ["update.clipHigh", "clip, high"],
  ["update.dualClip", "dual clip"],
  ["rollout.temperature", "temperature"],
  ["rollout.topP", "top-p"],
  ["rollout.maxResponseLength", "response limit (tokens)"],
  ["reward.formatWeight", "weight of the format reward"],
] as const;

export interface PageOptions {
  /** The plotting library's source. */
  readonly plotly: string;
  readonly images: Images;
  /** Samples in the gallery. */
  readonly maxSamples: number;
}

function tile(name: string, value: string, note = ""): Markup {
  return html`<div><dt>${name}</dt><dd>${value.replaceAll(" %", "\u00a0%")}<small>${note}</small></dd></div>`;
}

function accuracyTile(run: Run): Markup {
  const { before, after } = run;
  const shares = [before, after].map((each) => each && wilson(each.correct, each.total));
  const [old, young] = shares;
  if (old && young) {
    const change = `${formatPoints(young.value - old.value)} points on ${after?.total} held-out questions`;
    return tile("accuracy, greedy", `${formatShare(old.value)} → ${formatShare(young.value)}`, change);
  }
  const only = young ?? old;
  const when = young ? "after training" : old ? "before training" : "not measured yet";
  return tile("accuracy, greedy", formatShare(only?.value), when);
}

/** What the steps would have cost without sharing; for a run that shares. */
function sharingTile(steps: Run["steps"]): Markup | undefined {
  const [step, unshared] = [median(steps, "timing_s/step"), median(steps, "timing_s/step_unshared")];
  const tokens = median(steps, "perf/pass_tokens");
  if (!step || !unshared || tokens === median(steps, "perf/pass_tokens_unshared")) return undefined;
  const seconds = `a step takes ${step.toFixed(2)} s, about ${unshared.toFixed(2)} s with own-variant pairs only`;
  return tile("cost of sharing", `${(step / unshared).toFixed(2)} ×`, seconds);
}

function tiles(run: Run): Markup {
  const { steps } = run;
  const first = steps[0];
  const last = steps.at(-1);
  const rewardOf = (step = first) => step?.["reward/overall"]?.toFixed(2) ?? "–";
  const reward = `${rewardOf()} → ${rewardOf(last)}`;
  const speed = median(steps, "rollout/tokens_per_second");
  const gap = largest(steps, "rollout/log_prob_gap");
  const seconds = steps.reduce((sum, step) => sum + (step["timing_s/step"] ?? 0), 0);
  return html`<dl class="tiles">
${accuracyTile(run)}
${tile("mean reward", first ? reward : "–", "first → last step")}
${tile("steps done", formatNumber(last?.step ?? 0), seconds > 0 ? `${formatNumber(Math.round(seconds))} s in steps` : "")}
${tile("rollout speed", speed === undefined ? "–" : `${formatNumber(Math.round(speed))} tokens/s`, "median of steps")}
${tile("peak memory", formatBytes(largest(steps, "perf/peak_bytes")), "resident")}
${tile("sampler against learner", formatNumber(gap), "largest gap of log-probs, nats")}
${sharingTile(steps)}
</dl>`;
}

function settings(run: Run): Markup {
  const known = SETTINGS.flatMap(([key, name]) => {
    const value = run.settings[key];
    return value === undefined ? [] : [html`<div><dt>${name}</dt><dd>${value}</dd></div>`];
  });
  return html`<dl class="settings">${known}</dl>
<details><summary class="quiet">all settings (config.yaml)</summary><pre>${run.configText}</pre></details>`;
}

/** A share and its interval may part at the bracket only. */
function unbroken(cell: string): string {
  return cell.replace(/(\d) %/, "$1\u00a0%").replace(/(\d), (\d)/, "$1,\u00a0$2");
}

export function pageTable({ head, rows }: Table, totals = 0): Markup {
  const cells = (row: readonly string[]) => row.map((cell) => html`<td>${unbroken(cell)}</td>`);
  return html`<div class="scroll"><table><thead><tr>${head.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map((row, at) => html`<tr${at < totals ? html` class="total"` : undefined}>${cells(row)}</tr>`)}</tbody></table></div>`;
}

function figure({ id, title, caption, table: numbers }: Figure): Markup {
  return html`<figure><figcaption><h3>${title}</h3><p>${caption}</p></figcaption>
<div class="plot" id="plot-${id}" role="img" aria-label="${title}"></div>
<noscript><p class="missing">The plot needs JavaScript; its numbers are below.</p></noscript>
<details><summary>numbers</summary>${pageTable(numbers)}</details></figure>`;
}

function script(source: string): Markup {
  return html`<script>${trusted(source)}</script>`;
}

/** Only these very scripts may run, and nothing may be loaded: also where an escape was forgotten. */
function contentPolicy(scripts: readonly string[]): string {
  const hashes = scripts.map((source) => `'sha256-${createHash("sha256").update(source).digest("base64")}'`);
  return `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src ${hashes.join(" ")}; base-uri 'none'; form-action 'none'`;
}

function evaluationSection({ before, after }: Run): Markup {
  if (!before && !after) return html`<p class="missing">No evaluation was made yet.</p>`;
  const seed = (after ?? before)?.seed;
  return html`${pageTable(evaluationTable(before, after), 1)}
<p class="quiet">Greedy decoding, seed ${formatNumber(seed)}. In brackets: 95 % Wilson intervals, in percent.</p>`;
}

function benchmarkSection({ benchmarks }: Run): Markup | undefined {
  if (!benchmarks.before && !benchmarks.after) return undefined;
  return html`<h2>Benchmarks</h2>${pageTable(benchmarkTable(benchmarks))}
<p class="quiet">Accuracy by rules, no judge. Rows marked “samples” are a few own questions in a benchmark's format; they say
nothing about the benchmark itself.</p>`;
}

/** A page of its own: text and figures, drawn in the reader's colours, nothing loaded from anywhere. */
export interface FramedPage {
  readonly title: string;
  readonly body: Markup;
  readonly figures: readonly Figure[];
  /** The plotting library's source. */
  readonly plotly: string;
}

export function framedPage({ title, body, figures, plotly }: FramedPage): string {
  const drawn = figures.map((each) => ({
    id: each.id,
    ...themed(each, "light"),
    dark: themed(each, "dark"),
  }));
  // A browser hashes a script with its line ends read as \n.
  const scripts = [plotly, SCRIPT].map((source) => source.replaceAll(/\r\n?/g, "\n"));
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${trusted(STYLE + GALLERY_STYLE + FILTER_STYLE)}</style></head>
<body><main>
<h1>${title}</h1>
${body}
</main>
<script type="application/json" id="figures">${trusted(scriptJson(drawn))}</script>
${scripts.map(script)}
</body></html>
`.markup;
}

/** Figures as they stand in a page. */
export function figureGrid(figures: readonly Figure[]): Markup {
  return html`<div class="figures">${figures.map(figure)}</div>`;
}

/** The whole page as one HTML text. */
export function page(run: Run, { plotly, images, maxSamples }: PageOptions): string {
  const hasEvaluation = run.before !== undefined || run.after !== undefined;
  const families = hasEvaluation ? [familyFigure(run.before, run.after)] : [];
  const curves = run.steps.length > 0 ? trainingFigures(run.steps) : [];
  const picked = pickSamples(run.rollouts, maxSamples);
  const body = html`${run.notes.map((note) => html`<p class="missing">${note}</p>`)}
${tiles(run)}
<h2>Settings</h2>${settings(run)}
<h2>Before and after</h2>${evaluationSection(run)}${families.map(figure)}${heldoutSamples(run.before, run.after, images)}
${benchmarkSection(run)}
<h2>Training</h2>
${curves.length > 0 ? figureGrid(curves) : html`<p class="missing">No step was finished yet.</p>`}
<h2>Samples</h2>${gallery(picked, run.rollouts.length, images)}`;
  return framedPage({ title: "Share-GRPO run", body, figures: [...families, ...curves], plotly });
}
