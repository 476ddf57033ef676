/**
 * @module The explorer of advantage sharing as one page that needs nothing else.
 */
import { createHash } from "node:crypto";

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #5f6872; --line: #d9dde2; --paper: #fff; --up: #56b4e9; --down: #e69f00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --quiet: #9aa4ae; --line: #333a42; --paper: #15181c; --up: #1c78b4; --down: #a86400; } }
* { box-sizing: border-box; } [hidden] { display: none !important; }
body { margin: 0; padding: 1rem 1.25rem 2rem; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
#explorer { display: grid; grid-template-columns: minmax(15rem, 19rem) minmax(0, 1fr); gap: 1rem 2rem; max-width: 1100px; margin: 0 auto; }
h1 { font-size: 1.25rem; max-width: 1100px; margin: 0 auto .4rem; } h2 { font-size: 1rem; margin: 0 0 .3rem; }
.lead { max-width: 1100px; margin: 0 auto 1rem; color: var(--quiet); }
form { align-self: start; position: sticky; top: .5rem; }
label { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr) 2.6rem; align-items: center; gap: .5rem; padding: .18rem 0; }
label:has(select) { grid-template-columns: 9.5rem minmax(0, 1fr); } form > button { margin-top: .5rem; }
input { width: 100%; accent-color: var(--up); } output { text-align: right; font-variant-numeric: tabular-nums; }
select, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: .15rem .5rem; }
section { margin: 0 0 1.1rem; overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th { text-align: left; font-weight: 400; color: var(--quiet); padding-right: .8rem; white-space: nowrap; }
td { border: 1px solid var(--line); min-width: 3.4rem; padding: .2rem .4rem; text-align: right; }
dl { display: grid; grid-template-columns: minmax(0, 20rem) minmax(0, 1fr); gap: .15rem 1rem; margin: 0; } dd { margin: 0; font-variant-numeric: tabular-nums; } meter { width: 9rem; vertical-align: middle; }
.quiet { color: var(--quiet); font-size: .88rem; margin: .25rem 0 0; }
@media (max-width: 720px) { #explorer { grid-template-columns: minmax(0, 1fr); } form { position: static; } dl { grid-template-columns: minmax(0, 1fr); } }
`;

/**
 * The page.
 * @param script `src/view/explorer` with all that it imports, as one classic script
 */
export function explorerPage(script: string): string {
  const digest = createHash("sha256").update(script).digest("base64");
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Advantage sharing</title><style>${STYLE}</style></head>
<body><h1>Advantage sharing, by hand</h1>
<p class="lead">One question in m wordings, n responses to each. Move a slider: what is every response worth, and how often is there anything to learn?</p>
<div id="explorer"></div>
<noscript>The sliders need JavaScript.</noscript>
<script>${script}</script>
</body></html>
`;
}
