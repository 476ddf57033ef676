import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { html, scriptJson, trusted } from "../../src/report/markup.js";

describe("html", () => {
  it("escapes values, keeps markup, joins lists, and writes nothing for undefined", () => {
    const inner = html`<b>${"a & b"}</b>`;
    const { markup } = html`<p title="${'"'}">${inner}${[inner, trusted("<hr>")]}${undefined}${3}</p>`;
    expect(markup).toBe('<p title="&quot;"><b>a &amp; b</b><b>a &amp; b</b>\n<hr>3</p>');
  });

  it("leaves no character with a meaning in any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(html`${text}`.markup.replaceAll(/&(amp|lt|gt|quot|#39);/g, "")).not.toMatch(/[&<>"']/);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe("scriptJson", () => {
  it("holds the same value and nothing that could end the script", () => {
    const value = { text: "</script><!-- \u2028" };
    expect(scriptJson(value)).not.toMatch(/[<\u2028]/);
    expect(JSON.parse(scriptJson(value))).toEqual(value);
  });
});
