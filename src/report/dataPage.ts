/**
 * @module A data set's report as one HTML page: its numbers, and one question as the policy is asked it. Nothing the data
 * says is run, and nothing is fetched.
 */
import type { Question } from "../records.js";
import { STYLE } from "./assets.js";
import { embedDecoded } from "./images.js";
import { html, type Markup, trusted } from "./markup.js";
import type { Table } from "./table.js";

/** A question with what the page shows of it. */
export interface ShownQuestion {
  readonly question: Question;
  /** The chat template applied, image tokens abbreviated. */
  readonly prompt: string;
  /** Widths and heights, as `112 × 112 pixels, 16 tokens`. */
  readonly images: readonly string[];
}

export interface DataPageOptions {
  readonly title: string;
  readonly tables: readonly Table[];
  readonly suggestions: readonly string[];
  readonly shown?: ShownQuestion;
}

const EXTRA_STYLE = `img { max-width: min(100%, 32rem); height: auto; border: 1px solid var(--line); image-rendering: auto; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .75rem 1rem; border-radius: 6px; }`;

function tableMarkup({ head, rows }: Table): Markup {
  return html`<table><thead><tr>${head.map((cell) => html`<th>${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`;
}

async function imageMarkup(question: Question, sizes: readonly string[]): Promise<Markup[]> {
  const embedded = await Promise.all(
    question.images.map((image, at) => embedDecoded(`image ${at + 1}`, image)),
  );
  return embedded.map((image, at) =>
    image.kind === "image"
      ? html`<figure><img src="${image.source}" alt="${image.name}"><figcaption>${sizes[at]}</figcaption></figure>`
      : html`<p class="missing">${image.name}: ${image.reason}</p>`,
  );
}

async function questionMarkup({ question, prompt, images }: ShownQuestion): Promise<Markup> {
  const rewrites = question.rewrites.map((words) => html`<li>${words}</li>`);
  return html`<h2>Question ${question.id}</h2>
${await imageMarkup(question, images)}
<h3>As the policy is asked it</h3><pre>${prompt}</pre>
<h3>Answer</h3><pre>${question.gold}</pre>
<h3>Rewrites</h3>${rewrites.length > 0 ? html`<ol>${rewrites}</ol>` : html`<p class="missing">none</p>`}`;
}

/** The page as HTML text. */
export async function dataPage({ title, tables, suggestions, shown }: DataPageOptions): Promise<string> {
  const asked = shown ? await questionMarkup(shown) : undefined;
  const advice = suggestions.map((line) => html`<li>${line}</li>`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${trusted(STYLE + EXTRA_STYLE)}</style></head>
<body><main><h1>${title}</h1>
${tables.map(tableMarkup)}
${advice.length > 0 ? html`<h2>Suggestions</h2><ul>${advice}</ul>` : undefined}
${asked}
</main></body></html>
`.markup;
}
