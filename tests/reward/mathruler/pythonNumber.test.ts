import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  integerWithCommas,
  nearInteger,
  parseFloatAsPython,
  stripThousandsCommas,
} from "../../../src/reward/mathruler/pythonNumber.js";
import { isSpaceAt, stripAsPython } from "../../../src/reward/mathruler/pythonSpace.js";

/** `float(text)` of Python 3.11, null where it raises or is not finite. */
const FLOATS: readonly (readonly [text: string, value: number | null])[] = [
  ["1", 1],
  ["-1", -1],
  ["+1", 1],
  ["1.", 1],
  ["1.0", 1],
  [".5", 0.5],
  ["1.0000001", 1.0000001],
  ["1.00000005", 1.00000005],
  ["0.99999995", 0.99999995],
  ["1e3", 1000],
  ["1E3", 1000],
  ["1e-3", 0.001],
  ["1_000", 1000],
  ["1__000", null],
  ["_1", null],
  ["1_", null],
  ["1_.0", null],
  ["1._0", null],
  ["1.0_0", 1],
  ["1e1_0", 10000000000],
  ["  7 ", 7],
  ["\u00a07", 7],
  ["\u001c7", null],
  ["\ufeff7", null],
  ["\uff17", 7],
  ["1,000", null],
  ["", null],
  ["-", null],
  ["+", null],
  ["e3", null],
  ["1e", null],
  ["0x10", null],
  ["inf", null],
  ["nan", null],
  ["Infinity", null],
  ["1e400", null],
  ["-1e400", null],
  ["1e22", 1e22],
  ["-0.0", -0],
  ["-0", -0],
  ["2.5", 2.5],
  ["-2.00000001", -2.00000001],
  ["\u0661", 1],
  ["1 2", null],
  ["1\n", 1],
  ["\u20091", 1],
  ["1e-400", 0],
  ["00012", 12],
  ["1e+5", 100000],
  ["--1", null],
  ["+-1", null],
  ["1.5e3.2", null],
  ["12345678901234567890", 1.2345678901234567e19],
];

/** `int(round(float(text)))` and `int(float(text))` of Python 3.11 where they are within 1e-7 of the number. */
const INTEGERS: readonly (readonly [text: string, nearest: bigint, towardsZero: bigint])[] = [
  ["1", 1n, 1n],
  ["1.00000005", 1n, 1n],
  ["0.99999995", 1n, 0n],
  ["-2.00000001", -2n, -2n],
  ["-1.99999999", -2n, -1n],
  ["1e22", 10n ** 22n, 10n ** 22n],
  ["12345678901234567890", 12345678901234567168n, 12345678901234567168n],
  ["-0.0", 0n, 0n],
  ["1e-400", 0n, 0n],
  ["１２", 12n, 12n],
];

describe("parseFloatAsPython", () => {
  it.each(FLOATS)("of %j is %s", (text, value) => {
    expect(parseFloatAsPython(text)).toBe(value);
  });

  it("reads what numbers print, and no number with a letter in it", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom("a", "x", "_", "..", "--"),
        (value, sign) => {
          expect(parseFloatAsPython(`${value}`)).toBe(value === 0 ? 0 : value);
          expect(parseFloatAsPython(`${value}${sign}`)).toBe(null);
        },
      ),
      { numRuns: 300, seed: 3 },
    );
  });
});

describe("nearInteger", () => {
  it.each(INTEGERS)("of %j is %s, towards zero %s", (text, nearest, towardsZero) => {
    expect(nearInteger(text)).toEqual({ nearest, towardsZero });
  });

  it.each(["", ".5", "1.0000001", "0.9999998", "1e-3", "2.5", "1,000", "x", "1e400"])(
    "of %j is null",
    (text) => {
      expect(nearInteger(text)).toBe(null);
    },
  );
});

describe("stripThousandsCommas", () => {
  it.each([
    ["1,000", "1000"],
    ["1,000,000", "1000000"],
    ["12,345.6", "12345.6"],
    ["1,00", "1,00"],
    ["1,0000", "1,0000"],
    ["1, 000", "1, 000"],
    ["(1,000,2)", "(1000,2)"],
    ["x,000", "x,000"],
    ["1,234,56", "1234,56"],
    ["１,０００", "１０００"],
    ["1,000\n", "1000\n"],
    ["", ""],
  ])("of %j is %j", (text, expected) => {
    expect(stripThousandsCommas(text)).toBe(expected);
  });

  it("undoes the grouping of numbers of up to three groups, and of more as the reference does, in part", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 9n - 1n }), (n) => {
        const grouped = `${n}`.replace(/\B(?=(\d{3})+$)/g, ",");
        expect(stripThousandsCommas(grouped)).toBe(`${n}`);
      }),
      { numRuns: 200, seed: 4 },
    );
    expect(stripThousandsCommas("1,000,000,000")).toBe("1000,000000");
    expect(stripThousandsCommas("1,234,567,890,123")).toBe("1234,567890123");
  });

  it("comes before the number in integerWithCommas", () => {
    expect(integerWithCommas("1,000")).toEqual({ nearest: 1000n, towardsZero: 1000n });
    expect(integerWithCommas("1,00")).toBe(null);
    expect(integerWithCommas("1000")).toEqual({ nearest: 1000n, towardsZero: 1000n });
  });
});

describe("Python's white space", () => {
  const SPACES =
    "\t\n\u000b\u000c\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2028\u2029\u202f\u205f\u3000";
  const OTHERS = "\ufeff\u200b\u180e\u2060a\u0000\u001b0";

  it("is what str.strip() of Python 3.11 leaves out", () => {
    expect([...SPACES].filter((unit) => !isSpaceAt(unit, 0))).toEqual([]);
    expect([...OTHERS].filter((unit) => isSpaceAt(unit, 0))).toEqual([]);
    expect(isSpaceAt("a", 1)).toBe(false);
  });

  it("goes from both ends, and not from within", () => {
    expect(stripAsPython(`${SPACES}a${SPACES}b${SPACES}`)).toBe(`a${SPACES}b`);
    expect(stripAsPython(SPACES)).toBe("");
    expect(stripAsPython("\ufeffa")).toBe("\ufeffa");
    expect(stripAsPython("")).toBe("");
  });
});
