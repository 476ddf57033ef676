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

/**
 * Markup as an output of a notebook.
 * @param style rules for what is inside; they touch nothing else of the page, and the doubled class outweighs JupyterLab's
 * @param plain what a script prints instead
 */
export function htmlBundle(content: Markup, style: string, plain: string): MimeBundle {
  const sheet = trusted(`<style>${COLOURS}.sharegrpo.sharegrpo {${style}}</style>`);
  return {
    "text/html": html`<div class="sharegrpo ${NO_MATHS}">${sheet}${content}</div>`.markup,
    "text/plain": plain,
  };
}
