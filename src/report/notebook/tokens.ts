/**
 * @module A response token by token, each on the colour of a number: its advantage, its probability, its change.
 */
import { zip } from "../../core/zip.js";
import { html } from "../markup.js";
import { type Displayable, JUPYTER_DISPLAY } from "./display.js";
import { htmlBundle } from "./markup.js";

export interface TokenRow {
  /** What the row shows: "advantage", "change of log π". */
  readonly name: string;
  /** One per token. */
  readonly values: readonly number[];
}

/** Blue above zero, vermillion below; full strength at the row's largest. What is no number has no colour. */
function background(value: number, largest: number): string {
  if (Number.isNaN(value)) return "none";
  const strength = largest === 0 ? 0 : Math.min(1, Math.abs(value) / largest);
  const ink = value >= 0 ? "0,114,178" : "213,94,0";
  return `rgba(${ink},${(0.55 * strength).toFixed(3)})`;
}

const STYLE = `.tokens { font: .9rem/2 ui-monospace, monospace; overflow-wrap: anywhere; margin: .1rem 0 .6rem; }
.token { padding: .15rem 0; border-radius: 2px; white-space: pre-wrap; } .name { margin: 0; font-size: .88rem; }
.quiet { color: var(--quiet); }`;

function visible(token: string): string {
  return token.replaceAll("\n", "↵\n");
}

/**
 * The tokens once for each row of values; hovering tells a token's number.
 * @param tokens decoded one by one
 */
export function tokenStrip(tokens: readonly string[], rows: readonly TokenRow[]): Displayable {
  return {
    [JUPYTER_DISPLAY]() {
      const strips = rows.map(({ name, values }) => {
        const largest = Math.max(0, ...values.map(Math.abs).filter(Number.isFinite));
        const marks = zip(tokens, values).map(
          ([token, value]) =>
            html`<span class="token" title="${value.toPrecision(3)}" style="background:${background(value, largest)}">${visible(token)}</span>`
              .markup,
        );
        const scale = `largest ${largest.toPrecision(2)}`;
        return html`<p class="name"><b>${name}</b> <span class="quiet">${scale}</span></p><p class="tokens">${{ markup: marks.join("") }}</p>`;
      });
      const plain = rows.map(({ name, values }) =>
        [
          name,
          ...zip(tokens, values).map(
            ([token, value]) => `  ${JSON.stringify(token)} ${value.toPrecision(3)}`,
          ),
        ].join("\n"),
      );
      return htmlBundle(html`${strips}`, STYLE, plain.join("\n"));
    },
  };
}
