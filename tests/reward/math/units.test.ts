import { describe, expect, it } from "vitest";
import { gradeMath } from "../../../src/reward/math/gradeMath.js";
import { tokensOf } from "../../../src/reward/math/tokens.js";
import { isSameDimension, isUnitWord, type Unit, unitOf } from "../../../src/reward/math/units.js";

function unit(text: string): Unit | null {
  return unitOf(tokensOf(text));
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [unit(a), unit(b)];
  if (!one || !other) throw new Error(`${a}, ${b}: no unit`);
  return isSameDimension(one, other);
}

/** The size as "top/bottom", reduced. */
function sizeOf({ top, bottom }: Unit): string {
  const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));
  const divisor = gcd(top, bottom);
  return `${top / divisor}/${bottom / divisor}`;
}

const SP811 = "NIST SP 811, appendix B";
const SI = "SI brochure, 9th edition";

/** What one unit is in another: exact. */
const CONVERSIONS: readonly (readonly [one: string, count: string, other: string, source: string])[] = [
  ["in", "2.54", "cm", SP811],
  ["ft", "0.3048", "m", SP811],
  ["ft", "12", "in", SP811],
  ["yd", "3", "ft", SP811],
  ["mi", "1760", "yd", SP811],
  ["mi", "1.609344", "km", SP811],
  ["lb", "0.45359237", "kg", SP811],
  ["lb", "16", "oz", SP811],
  ["ton", "1000", "kg", `${SP811}: the metric ton`],
  ["gal", "3.785411784", "L", `${SP811}: 231 cubic inches`],
  ["gallon", "231", "in^3", SP811],
  ["acre", "4840", "yd^2", `${SP811}: of the international foot`],
  ["ha", "10000", "m^2", SI],
  ["L", "1", "dm^3", SI],
  ["mL", "1", "cm^3", SI],
  ["cc", "1", "mL", SI],
  ["cL", "10", "mL", SI],
  ["nm", "1000000000^{-1}", "m", SI],
  ["μm", "0.001", "mm", SI],
  ["micrometer", "0.001", "mm", SI],
  ["km", "100000", "cm", SI],
  ["mg", "0.001", "g", SI],
  ["tonne", "1000000", "g", SI],
  ["h", "60", "min", SI],
  ["day", "24", "h", SI],
  ["week", "7", "d", SI],
  ["year", "12", "months", "the calendar"],
  ["ms", "0.001", "s", SI],
  ["mph", "1.609344", "km/h", SP811],
  ["kmh", "1", "km/h", SI],
  ["m/s", "3.6", "km/h", SI],
  ["cal", "4.184", "J", `${SP811}: the thermochemical calorie`],
  ["kcal", "4184", "J", SP811],
  ["kW", "1000", "W", SI],
  ["MW", "1000", "kW", SI],
  ["kV", "1000000", "mV", SI],
  ["A", "1000", "mA", SI],
  ["kΩ", "1000", "Ω", SI],
  ["MHz", "1000", "kHz", SI],
  ["kPa", "1000", "Pa", SI],
  ["byte", "8", "bits", "IEC 80000-13"],
  ["MB", "1000", "kB", "IEC 80000-13"],
  ["GB", "1000", "MB", "IEC 80000-13"],
  ["dollar", "100", "cents", "the Coinage Act"],
  ["square feet", "144", "sq in", SP811],
  ["cubic yards", "27", "cu. ft", SP811],
];

describe("unitOf", () => {
  it.each(CONVERSIONS)("knows that 1 %s is %s %s (%s)", (one, count, other) => {
    expect(gradeMath(`1 ${one}`, `${count} ${other}`)).toMatchObject({ correct: true });
    expect(gradeMath(`3 ${one}`, `3\\cdot ${count} ${other}`)).toMatchObject({ correct: true });
    expect(gradeMath(`1 ${one}`, `1.01\\cdot ${count} ${other}`)).toMatchObject({ correct: false });
  });

  it.each([
    ["cm^2", "m^2", "1/10000"],
    ["cm^{2}", "m^2", "1/10000"],
    ["cm²", "m^2", "1/10000"],
    ["cm2", "m^2", "1/10000"],
    ["square centimeters", "m^2", "1/10000"],
    ["sq. cm", "m^2", "1/10000"],
    ["cm squared", "m^2", "1/10000"],
    ["cubic meters", "m^3", "1/1"],
    ["cu m", "m^3", "1/1"],
    ["m cubed", "m^3", "1/1"],
    ["km/h", "m^1·s^-1", "5/18"],
    ["km per hour", "m^1·s^-1", "5/18"],
    ["kilometers per hour", "m^1·s^-1", "5/18"],
    ["km h^{-1}", "m^1·s^-1", "5/18"],
    ["km·h^{-1}", "m^1·s^-1", "5/18"],
    ["m/s^2", "m^1·s^-2", "1/1"],
    ["m s^{-2}", "m^1·s^-2", "1/1"],
    ["g/cm^3", "kg^1·m^-3", "1000/1"],
    ["kg m^2", "kg^1·m^2", "1/1"],
    ["m^2/m", "m^1", "1/1"],
    ["m/m", "", "1/1"],
    ["units", "", "1/1"],
    ["square units", "", "1/1"],
    ["°C", "°C^1", "1/1"],
  ])("reads %s as %s", (text, dimension, size) => {
    const read = unit(text);
    expect(read?.dimension).toBe(dimension);
    expect(read && sizeOf(read)).toBe(size);
  });

  it.each([
    ["Meters", "m^1"],
    ["METERS", "m^1"],
    ["inches", "m^1"],
    ["Feet", "m^1"],
    ["lbs", "kg^1"],
    ["hrs", "s^1"],
    ["mins.", "s^1"],
    ["Dollars", "dollar^1"],
    ["euros", "euro^1"],
    ["yen", "yuan^1"],
  ])("reads the spelling %s", (text, dimension) => {
    expect(unit(text)?.dimension).toBe(dimension);
  });

  it.each([
    ["CM", "two letters in another case: a triangle's side"],
    ["hz", "two letters in another case"],
    ["m^x", "a power that is no number"],
    ["m^{12}", "a power of two digits"],
    ["m/", "nothing behind the slash"],
    ["/s", "nothing before the slash"],
    ["5", "a number"],
    ["", "nothing"],
    ["x", "a letter that is no unit"],
    ["degrees", "a sign, read with the number"],
    ["ab", "two letters that are no unit"],
    ["more", "a word that counts nothing"],
    ["times the area", "words that count nothing"],
    ["five apples", "a number word"],
    ["million people", "a multiplier"],
    ["one two three four five", "too many words"],
    ["sin", "a function"],
    ["m m m m m m m m m m m m m", "thirteen words"],
  ])("knows no unit %j: %s", (text) => {
    expect(unit(text)).toBe(null);
  });

  it("takes a phrase of up to four words for what is counted, without of", () => {
    expect(isSame("slices of bread", "slice bread")).toBe(true);
    expect(isSame("slices of bread", "slices")).toBe(false);
    expect(unit("red round wooden blocks")).not.toBe(null);
    expect(unit("red round small wooden blocks")).toBe(null);
  });

  it.each([
    ...["apple apples", "box boxes", "bus buses", "glass glasses", "church churches", "dish dishes"],
    ...["candy candies", "movie movies", "toy toys", "potato potatoes", "mangos mangoes", "axe axes"],
    ...["house houses", "prize prizes", "gas gases", "lens lenses", "menu menus", "princess princesses"],
  ])("takes one and many for the same: %s", (pair) => {
    const [one = "", many = ""] = pair.split(" ");
    expect([isSame(one, many), isSame(many, one)]).toEqual([true, true]);
  });

  it.each([
    ...["plans planes", "plan plane", "plan planes", "cap cape", "pins pines", "bars bares", "cups caps"],
    ...["princes princess", "cloths clothes", "boys boxes", "baths bathes", "years yes", "meters mes"],
  ])("takes words that are no plurals of each other for two: %s", (pair) => {
    const [one = "", other = ""] = pair.split(" ");
    expect([isSame(one, other), isSame(other, one)]).toEqual([false, false]);
  });

  it("multiplies sizes with dimensions: of a product they add, of a quotient they subtract", () => {
    const bases = ["cm", "h", "kg", "mL", "km"];
    for (const a of bases) {
      for (const b of bases) {
        const [one, other] = [unit(a), unit(b)];
        const [product, quotient] = [unit(`${a} ${b}`), unit(`${a}/${b}`)];
        if (!one || !other || !product || !quotient) throw new Error(`${a} ${b}: no unit`);
        expect(product.top * one.bottom * other.bottom).toBe(product.bottom * one.top * other.top);
        expect(quotient.top * one.bottom * other.top).toBe(quotient.bottom * one.top * other.bottom);
        expect(unit(`${b} ${a}`)).toEqual(product);
        expect(unit(`${a} ${b}^{-1}`)).toEqual(quotient);
        if (a === b) expect(quotient.dimension).toBe("");
      }
    }
  });
});

describe("isUnitWord", () => {
  it.each(["m", "cm", "Meters", "hours", "lbs", "$", "€", "°C", "Ω", "inches"])("knows %s", (word) => {
    expect(isUnitWord(word)).toBe(true);
  });

  it.each(["x", "apple", "constructor", "toString", "", "M", "Cm", "the"])("does not know %j", (word) => {
    expect(isUnitWord(word)).toBe(false);
  });
});
