import { describe, expect, it } from "vitest";
import { numberOfWords, readValue } from "../../../src/reward/math/readValue.js";
import { tokensOf } from "../../../src/reward/math/tokens.js";
import { lettersOf } from "../../../src/reward/symbolic/expression.js";
import { realValue } from "../../../src/reward/symbolic/probe.js";

const r = String.raw;
const read = (text: string) => readValue(tokensOf(text));

/** "5 m^1", in the unit's base: number times size, and its dimension. */
function shown(text: string): string {
  const { expression, unit } = read(text);
  const number = realValue(expression);
  if (number === null) return `${lettersOf(expression).join("")} ${unit?.dimension ?? "-"}`;
  const size = unit ? Number(unit.top) / Number(unit.bottom) : 1;
  return `${Number((number * size).toPrecision(12))} ${unit?.dimension ?? "-"}`;
}

describe("readValue", () => {
  it.each([
    ["5", "5 -"],
    ["5 m", "5 m^1"],
    ["5 cm", "0.05 m^1"],
    ["5cm", "0.05 m^1"],
    [r`5\text{cm}`, "0.05 m^1"],
    ["5{kg}", "5 kg^1"],
    ["2.5 km/h", "0.694444444444 m^1·s^-1"],
    [r`\frac12 m`, "0.5 m^1"],
    [r`3\frac12 \text{ hours}`, "12600 s^1"],
    ["-5 m", "-5 m^1"],
    ["(2+3) m", "5 m^1"],
    ["2^3 m", "8 m^1"],
    [r`5\text{ apples}`, "5 #apples"],
    ["$5", "5 dollar^1"],
    ["-$5", "-5 dollar^1"],
    ["5$", "5 dollar^1"],
    ["€3.20", "3.2 euro^1"],
    ["50¢", "0.5 dollar^1"],
    ["5 dollars", "5 dollar^1"],
    ["20 °C", "20 °C^1"],
    ["20°C", "20 °C^1"],
    [r`20^\circ C`, "20 °C^1"],
    ["five meters", "5 m^1"],
    ["twenty five apples", "25 #apples"],
    ["5 million", "5000000 -"],
    ["5 million dollars", "5000000 dollar^1"],
    ["1.5 thousand", "1500 -"],
    ["two dozen eggs", "24 #eggs"],
    ["two hundred thousand", "200000 -"],
    ["2 h 30 min", "9000 s^1"],
    ["1h30m", "5400 s^1"],
    ["2 days 3 h 5 min 7 s", "183907 s^1"],
    ["5 ft 3 in", "1.6002 m^1"],
    ["3 kg 250 g", "3.25 kg^1"],
  ])("reads %s as %s", (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it.each([
    ["5m", "one letter without a space before it is a factor"],
    [r`\sin t`, "behind a function stands its argument"],
    [r`\sin^2 t`, "behind a function's power, too"],
    [r`\log_2 t`, "and behind a logarithm's base"],
    ["x", "a letter alone"],
    ["30°", "an angle's sign is no unit"],
  ])("reads no unit in %s: %s", (text) => {
    expect(read(text).unit).toBe(null);
  });

  it("keeps the unit as written, which may have been a factor", () => {
    expect(read("4 h").unitTokens.map(({ text }) => text)).toEqual(["h"]);
    expect(read("4").unitTokens).toEqual([]);
    expect(read("1h30m").unitTokens).toEqual([]);
  });

  it.each([
    ["", "nothing"],
    ["m", "nothing before the unit: a letter"],
    ["5 apples 3 apples", "counted things do not add up"],
    ["5 more", "a word that counts nothing"],
  ])("is no quantity, or no unit: %j (%s)", (text) => {
    let unit: unknown = null;
    try {
      ({ unit } = read(text));
    } catch (error) {
      expect(error).toMatchObject({ name: "UnsupportedExpression" });
    }
    expect(unit).toBe(null);
  });
});

describe("numberOfWords", () => {
  const number = (text: string) => {
    const expression = numberOfWords(tokensOf(text));
    return expression && realValue(expression);
  };

  it.each([
    ["zero", 0],
    ["seven", 7],
    ["Seven", 7],
    ["nineteen", 19],
    ["ninety", 90],
    ["twenty five", 25],
    ["ninety nine", 99],
    ["hundred", 100],
  ])("reads %s as %s", (text, expected) => {
    expect(number(text)).toBe(expected);
  });

  it.each([
    "",
    "seventh",
    "twenty eleven",
    "five twenty",
    "twenty zero",
    "three four",
    "twenty five six",
    "5",
    "five 5",
  ])("reads no number in %j", (text) => {
    expect(number(text)).toBe(null);
  });
});
