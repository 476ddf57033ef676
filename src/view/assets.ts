/**
 * @module The page's frame and its style sheet.
 */
import { GALLERY_STYLE } from "../report/assets.js";

/** What the page's modules call their libraries, and where the server has them. */
export const IMPORT_MAP = JSON.stringify({
  imports: { preact: "/lib/preact.js", "preact/hooks": "/lib/hooks.js", "preact/jsx-runtime": "/lib/jsx.js" },
});

export const INDEX = `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sharegrpo view</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
<script type="importmap">${IMPORT_MAP}</script>
<script src="/lib/plotly.js" defer></script>
<script type="module" src="/page/main.js"></script>
</head><body></body></html>
`;

const DARK = `--paper: #15181c; --ink: #e4e7ea; --quiet: #9aa4ae; --line: #333a42; --soft: #1d2126; --right: #4cc9a0;
  --wrong: #ff9a5c; --warn: #e8bb4d; --chosen: #24384a; --link: #7cc0ee; color-scheme: dark;`;

const FRAME = `
:root { color-scheme: light; --paper: #fff; --ink: #1c2024; --quiet: #5f6872; --line: #d9dde2; --soft: #f5f6f8;
  --right: #00674b; --wrong: #a94400; --warn: #7a5600; --chosen: #dcecf8; --link: #005a8f; }
@media (prefers-color-scheme: dark) { :root:not([data-shade=light]) { ${DARK} } }
:root[data-shade=dark] { ${DARK} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
header { display: flex; justify-content: space-between; align-items: center; padding: .4rem 1.25rem; border-bottom: 1px solid var(--line); }
header a { font-weight: 600; text-decoration: none; color: var(--ink); }
header button { border: 1px solid var(--line); background: none; color: inherit; border-radius: 6px; font-size: 1rem; line-height: 1; padding: .35rem .5rem; cursor: pointer; }
main { max-width: 1180px; margin: 0 auto; padding: 1.25rem 1.25rem 3rem; } main.wide { max-width: none; }
.waiting { padding: 1.25rem; } .shown .waiting { padding: 0; }
h1 { font-size: 1.35rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; padding-top: .9rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; }
p { margin: .4rem 0; }
pre { font: .88em/1.5 ui-monospace, monospace; background: var(--soft); padding: 1rem; overflow: auto; white-space: pre-wrap; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1rem; margin: 0 0 .8rem; }
section > .bar { margin-top: 2rem; padding-top: .9rem; border-top: 1px solid var(--line); } .bar h2 { margin: 0; padding: 0; border: 0; }
.button { border: 1px solid var(--line); border-radius: 6px; padding: .2rem .7rem; text-decoration: none; background: var(--soft); font-size: .92rem; }
input[type=search], input[type=number], select { font: inherit; font-size: .92rem; color: inherit; background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .25rem .6rem; min-width: 0; }
.bar input[type=search] { flex: 0 1 24rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { max-width: 28rem; overflow: hidden; text-overflow: ellipsis; } td.name { min-width: 15rem; max-width: 19rem; white-space: normal; overflow-wrap: break-word; } th { color: var(--quiet); font-weight: 500; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.runs th, .runs td { text-align: left; vertical-align: middle; }
.runs small, .tiles small { color: var(--quiet); font-size: .8rem; font-weight: 400; }
.runs .missing { white-space: normal; max-width: 30rem; margin: 0; font-size: .85rem; }
.differing { min-width: 22rem; display: flex; flex-wrap: wrap; gap: .2rem .6rem; max-width: 26rem; white-space: normal; }
.state { font-size: .88rem; white-space: nowrap; }
.state.running { color: var(--link); } .state.finished { color: var(--right); } .state.died { color: var(--wrong); } .state.stopped { color: var(--warn); }
.spark { vertical-align: middle; margin-left: .3rem; } .spark polyline { fill: none; stroke: var(--link); stroke-width: 1.4; }
progress { width: 100%; height: .55rem; accent-color: var(--link); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: .7rem; margin: .6rem 0 1rem; }
.tiles div { background: var(--soft); border-radius: 6px; padding: .55rem .8rem; }
.tiles dt { color: var(--quiet); font-size: .82rem; } .tiles dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; } .tiles small { display: block; }
.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.5rem 2rem; }
figure { margin: 0; min-width: 0; } figcaption p { color: var(--quiet); font-size: .88rem; margin: .1rem 0 .3rem; line-height: 1.35; min-height: 2.6em; }
.plot { width: 100%; min-height: 260px; }
.browser { max-width: none; display: grid; grid-template-columns: minmax(260px, 26rem) minmax(0, 1fr); gap: 1.25rem; height: calc(100vh - 3rem); padding: .8rem 1.25rem; }
.browser aside { display: flex; flex-direction: column; min-height: 0; min-width: 0; } .browser .shown { overflow: auto; min-width: 0; }
.browser .sample { margin: 0; }
.browser .filters { gap: .35rem; } .browser .filters label { padding: .1rem .6rem; font-size: .84rem; }
.browser .filters input[type=search] { flex: 1 1 9rem; } .browser .filters input[type=number] { width: 7.5rem; } .browser .filters select { max-width: 12rem; }
.browser .filters input:not([type=checkbox]) { position: static; opacity: 1; pointer-events: auto; }
.list { position: relative; flex: 1 1 auto; min-height: 12rem; overflow-y: auto; border: 1px solid var(--line); border-radius: 6px; } .list > div { position: relative; }
.line { position: absolute; left: 0; right: 0; height: 52px; display: block; width: 100%; text-align: left; font: inherit; color: inherit; background: none; border: 0; border-bottom: 1px solid var(--line); padding: .25rem .6rem; cursor: pointer; overflow: hidden; }
.line:hover { background: var(--soft); } .line.chosen { background: var(--chosen); }
.line span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: .9rem; line-height: 1.35; unicode-bidi: plaintext; } .line b.right { color: var(--right); } .line b.wrong { color: var(--wrong); } .line .about { color: var(--quiet); font-size: .8rem; }
@media (max-width: 860px) { .figures { grid-template-columns: minmax(0, 1fr); }
  .browser { grid-template-columns: minmax(0, 1fr); height: auto; } .list { flex: none; height: 17rem; } main { padding: 1rem; } }
`;

/** The samples look as in the report. */
export const PAGE_STYLE = GALLERY_STYLE + FRAME;
