/**
 * @module HTML output of a notebook: our markup in the front end's colours, its style kept to itself.
 */
import { html, type Markup, trusted } from "../markup.js";
import type { MimeBundle } from "./display.js";

/** JupyterLab and VS Code name their colours; elsewhere the light ones serve. */
const COLOURS = `
.sharegrpo { --paper: var(--jp-layout-color0, var(--vscode-editor-background, #fff));
  --ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, #1c2024)); --quiet: var(--jp-content-font-color2, #5f6872);
  --line: var(--jp-border-color2, #d9dde2); --soft: var(--jp-layout-color2, var(--vscode-editorWidget-background, #f5f6f8));
  --right: #00674b; --wrong: #a94400; --warn: #7a5600; color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; }
body[data-jp-theme-light=false] .sharegrpo, body.vscode-dark .sharegrpo { --right: #4cc9a0; --wrong: #ff9a5c; --warn: #e8bb4d; }
`;

/** Front ends typeset mathematics in HTML, too; what a model wrote between dollar signs is shown as it was written. */
const NO_MATHS = "tex2jax_ignore mathjax_ignore";

const WORDS = "white-space:pre-wrap;word-break:break-word";
const BOX = "border:1px solid #8c959f;border-radius:6px";

/**
 * What matters most about the looks, once more on the elements: JupyterLab takes the style sheet from notebooks that did
 * not run on the reader's computer, and leaves these. Controls that work by the sheet alone are hidden without it.
 */
const ON_ELEMENTS: readonly (readonly [named: string, style: string])[] = [
  ["<td", "text-align:left;max-width:480px"],
  ['<td class="long"', "text-align:left;max-width:480px;word-break:break-word"],
  ['<td class="number"', "text-align:right;white-space:nowrap"],
  ['<th scope="col"', "text-align:left"],
  ['<th scope="col" class="number"', "text-align:right"],
  ["<caption", "text-align:left;font-weight:bold;white-space:nowrap"],
  ["<ol", "list-style:none;padding:0;margin:8px 0"],
  ["<dd", "word-break:break-word"],
  ['<p class="filters"', "display:none"],
  ['<p class="missing nothing"', "display:none"],
  ['<div class="row"', "display:flex;flex-wrap:wrap;gap:16px"],
  ['<div class="variants"', "display:flex;flex-wrap:wrap;gap:24px"],
  ['<section class="variant"', "flex:1 1 300px;min-width:0"],
  ['<details class="sample"', `${BOX};padding:10px 14px;margin:12px 0;word-break:break-word`],
  ['<li class="response"', `${BOX};padding:8px 12px;margin:8px 0`],
  ['<div class="response"', `${BOX};padding:8px 12px`],
  ['<p class="question"', WORDS],
  ['<p class="asked"', WORDS],
  ['<p class="said"', WORDS],
  ['<p class="said thought"', `${WORDS};border-left:3px solid #8c959f;padding-left:10px`],
];

/** Every value is escaped, so that these beginnings of tags are ours wherever they stand. */
function styleElements({ markup }: Markup): Markup {
  const named = new Map(ON_ELEMENTS);
  const beginnings = [...named.keys()].sort((a, b) => b.length - a.length).map((each) => `${each}(?=[ >])`);
  const style = (beginning: string) => `${beginning} style="${named.get(beginning)}"`;
  return trusted(markup.replace(new RegExp(beginnings.join("|"), "g"), style));
}

/**
 * Markup as an output of a notebook.
 * @param style rules for what is inside; they touch nothing else of the page, and the doubled class outweighs JupyterLab's
 * @param plain what a script prints instead
 */
export function htmlBundle(content: Markup, style: string, plain: string): MimeBundle {
  const sheet = trusted(`<style>${COLOURS}.sharegrpo.sharegrpo {${style}}</style>`);
  return {
    "text/html": html`<div class="sharegrpo ${NO_MATHS}">${sheet}${styleElements(content)}</div>`.markup,
    "text/plain": plain,
  };
}
