import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeSettings } from "../../src/config/describe.js";
import { resolveConfig, withOverride } from "../../src/config/load.js";

const settings = describeSettings();
const defaults = resolveConfig({}, "defaults");

/** The value at `update.learningRate`. */
const valueAt = (key: string): unknown =>
  key.split(".").reduce<unknown>((node, name) => (node as Record<string, unknown>)[name], defaults);

describe("describeSettings()", () => {
  it("has every setting of a resolved run once, and no other", () => {
    const keysOf = (node: unknown, at = ""): string[] =>
      typeof node !== "object" || node === null || Array.isArray(node)
        ? [at]
        : Object.entries(node).flatMap(([name, inner]) => keysOf(inner, at === "" ? name : `${at}.${name}`));
    expect(settings.map(({ key }) => key).toSorted()).toEqual(keysOf(defaults).toSorted());
  });

  it.each(settings)("$key: its default is what a run without it has", ({ key, default: value }) => {
    expect(value).toEqual(valueAt(key));
  });

  it.each(settings)("$key: says what it means, in a few words and without a full stop", ({ meaning }) => {
    expect(meaning.length).toBeGreaterThan(4);
    expect(meaning.length).toBeLessThan(160);
    expect(meaning).not.toMatch(/\.$|^\s|\s$/);
  });

  it.each(settings.filter(({ choices }) => choices))("$key: its default is one of its choices", (setting) => {
    expect(setting.choices).toContain(setting.default);
    expect(new Set(setting.choices).size).toBe(setting.choices?.length);
  });
});

describe("a misspelt setting", () => {
  const names = [...new Set(settings.map(({ key }) => key.split(".").at(-1) ?? ""))];
  /** minPixels and maxPixels are two letters apart: mixPixels is as near to either. */
  const isAlone = (name: string) =>
    names.every((other) => {
      const apart = [...name].filter((letter, at) => letter !== other[at]).length;
      return other === name || other.length !== name.length || apart > 2;
    });
  const long = settings.filter(({ key }) => {
    const name = key.split(".").at(-1) ?? "";
    return name.length > 8 && isAlone(name);
  });
  const letter = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz");

  it("of one wrong, missing, doubled or turned letter is known again", () => {
    const slip = fc.constantFrom("replace", "delete", "insert", "turn");
    fc.assert(
      fc.property(fc.constantFrom(...long), fc.nat(), letter, slip, ({ key }, at, sign, kind) => {
        const name = key.split(".").at(-1) ?? "";
        const place = at % (name.length - 1);
        const [before, here, after] = [name.slice(0, place), name.charAt(place), name.slice(place + 1)];
        const wrong = {
          replace: before + sign + after,
          delete: before + after,
          insert: before + sign + here + after,
          turn: before + after.charAt(0) + here + after.slice(1),
        }[kind];
        fc.pre(!names.includes(wrong));
        const path = [...key.split(".").slice(0, -1), wrong].join(".");
        expect(() => resolveConfig(withOverride({}, `${path}=1`), "x")).toThrow(
          `unknown setting ${path}: did you mean ${key}?`,
        );
      }),
      { numRuns: 200 },
    );
  });
});
