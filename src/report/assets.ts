/**
 * @module Style sheet and script of the report.
 */

/** Samples and their filters, in the report and in notebooks: the page around it defines the colours. */
export const GALLERY_STYLE = `
summary { cursor: pointer; }
code { font: .88em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.quiet, summary .quiet { color: var(--quiet); font-size: .88rem; font-weight: 400; }
.missing { color: var(--quiet); font-style: italic; overflow-wrap: anywhere; }
.filters input { position: absolute; opacity: 0; pointer-events: none; }
.filters label { font-size: .9rem; background: var(--soft); border: 1px solid var(--line); border-radius: 99px; padding: .25rem .8rem; cursor: pointer; }
.filters label:has(:checked) { background: var(--ink); color: var(--paper); } .filters label:has(:checked) .quiet { color: inherit; opacity: .75; }
.filters label:has(:focus-visible) { outline: 2px solid var(--ink); outline-offset: 2px; }
.nothing { display: none; }
.filters { display: flex; flex-wrap: wrap; gap: .5rem; }
.sample { border: 1px solid var(--line); border-radius: 8px; padding: .6rem .9rem; margin: .75rem 0; overflow-wrap: anywhere; }
.heldout { border-bottom: 1px solid var(--line); padding: .3rem 0; overflow-wrap: anywhere; }
.sample[open] > summary, .heldout[open] > summary { margin-bottom: .6rem; }
.variants { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 1.5rem; }
.variant { min-width: 0; } .head { margin: 0 0 .35rem; }
.pictures { display: flex; flex-wrap: wrap; gap: .5rem; }
.pictures img { max-width: 100%; max-height: 260px; background: #fff; border: 1px solid var(--line); border-radius: 4px; }
.question, .asked, .said { unicode-bidi: plaintext; white-space: pre-wrap; overflow-wrap: anywhere; }
.asked { font-size: .95rem; } .said { font: .85rem/1.45 ui-monospace, monospace; margin: .3rem 0; }
.chip { display: inline-block; font-size: .8rem; font-weight: 500; border: 1px solid var(--line); border-radius: 4px; padding: 0 .4rem; }
.chip.right { color: var(--right); border-color: currentColor; } .chip.wrong { color: var(--wrong); border-color: currentColor; }
.chip.warn { color: var(--warn); border-color: currentColor; }
.variant ol { list-style: none; margin: .5rem 0 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); gap: .5rem; }
.response { list-style: none; min-width: 0; background: var(--soft); border-radius: 6px; padding: .5rem .75rem; break-inside: avoid; }
.response dl { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: .35rem 0 0; font-size: .86rem; }
.response dl div { display: flex; gap: .4rem; min-width: 0; }
.response dt { color: var(--quiet); flex: none; width: auto; float: none; padding: 0; font-weight: 400; white-space: nowrap; } .response dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.thought { color: var(--quiet); border-left: 3px solid var(--line); padding-left: .6rem; }
`;

/** The marks a response can carry, each with its filter; the words are for people. */
export const FILTERS = [
  ["wrong", "wrong"],
  ["truncated", "truncated"],
  ["zero", "zero advantage"],
] as const;

/** Shows only what carries the chosen mark: style alone, so that it works wherever scripts do not. */
export const FILTER_STYLE = FILTERS.map(([mark]) => {
  const chosen = `.gallery:has(input[value=${mark}]:checked)`;
  const marked = `[data-marks~=${mark}]`;
  return `${chosen} .response:not(${marked}), ${chosen} .sample:not(:has(${marked})) { display: none; }
${chosen}:not(:has(${marked})) .nothing { display: block !important; }`;
}).join("\n");

/** Quiet in light and dark, one column on a narrow screen, plain on paper. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2024; --quiet: #5f6872; --line: #d9dde2; --soft: #f5f6f8;
  --right: #00674b; --wrong: #a94400; --warn: #7a5600; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --ink: #e4e7ea; --quiet: #9aa4ae; --line: #333a42;
  --soft: #1d2126; --right: #4cc9a0; --wrong: #ff9a5c; --warn: #e8bb4d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; } figure + h3 { margin-top: 1.5rem; }
p { margin: .4rem 0; }
code, pre { font: .88em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: 1rem; overflow: auto; white-space: pre-wrap; }
figcaption p { color: var(--quiet); font-size: .88rem; font-weight: 400; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0; }
.tiles div { flex: 1 1 120px; } .tiles div:first-child { flex: 2 1 170px; }
.tiles div { background: var(--soft); border-radius: 6px; padding: .6rem .8rem; }
.tiles dt { color: var(--quiet); font-size: .82rem; } .tiles dd { margin: 0; font-size: 1.02rem; font-weight: 600; }
.tiles small { display: block; font-weight: 400; color: var(--quiet); font-size: .78rem; }
.settings { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 0 2rem; margin: 0; }
.settings div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--line); padding: .2rem 0; }
.settings dt { color: var(--quiet); } .settings dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } th { color: var(--quiet); font-weight: 500; }
tr.total td { font-weight: 600; }
.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.75rem 2rem; }
@media (max-width: 760px) { .figures { grid-template-columns: minmax(0, 1fr); } main { padding: 1.25rem 1rem 3rem; } }
@media (max-width: 520px) { th, td { white-space: normal; padding: .25rem .2rem; } table { font-size: .8rem; } }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figcaption p { min-height: 2.6em; margin: .1rem 0 .3rem; line-height: 1.35; }
.plot { width: 100%; min-height: 260px; }
figure details { font-size: .85rem; color: var(--quiet); } figure details .scroll { max-height: 300px; overflow: auto; }
@media print { :root { --paper: #fff; --ink: #000; --quiet: #444; --line: #ccc; --soft: #fff; --right: #00674b; --wrong: #a94400; --warn: #7a5600; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; } h2 { break-after: avoid; } tr { break-inside: avoid; }
  .filters { display: none; } main { max-width: none; padding: 0; } .response { border: 1px solid var(--line); } }
`;

/** Draws the figures in the page's colours, again when these change. */
export const SCRIPT = `
"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const darkness = matchMedia("(prefers-color-scheme: dark)");
function draw(isDark, size = {}) {
  for (const figure of figures) {
    const { data, layout } = isDark ? figure.dark : figure;
    Plotly.react("plot-" + figure.id, data, { ...layout, ...size }, { displayModeBar: false, responsive: true });
  }
}
draw(darkness.matches);
darkness.addEventListener("change", () => draw(darkness.matches));
// Paper has two columns of about this width, whatever the screen has.
addEventListener("beforeprint", () => draw(false, { width: 330 }));
addEventListener("afterprint", () => draw(darkness.matches));
`;
