import { describe, expect, it } from "vitest";
import { asciiForms } from "../../src/core/asciiForms.js";

describe("asciiForms(…)", () => {
  it.each([
    ["", ""],
    ["plain 12.5 √π", "plain 12.5 √π"],
    ["１２．５", "12.5"],
    ["ｘ＋１＝（Ｂ）", "x+1=(B)"],
    ["3，7", "3，7"],
    ["𝐁 𝑥 𝜋 𝟗𝟎", "B x π 90"],
    ["٠١٢٣٤٥٦٧٨٩", "0123456789"],
    ["۴ ५ ৬ ๗", "4 5 6 7"],
    ["Ⅳ ² ½ ①", "Ⅳ ² ½ ①"],
    ["\ud800", "\ud800"],
  ])("%j is %j", (text, plain) => {
    expect(asciiForms(text)).toBe(plain);
  });
});
