import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../../../src/core/rng.js";
import { CELL } from "../../../src/data/scenes/ink.js";
import {
  cellCentre,
  choicesText,
  countRows,
  integerExcept,
  LATTICES,
  letterOf,
  type Mark,
  scatter,
  sumAloud,
} from "../../../src/data/scenes/layout.js";

const MARKS: readonly Mark[] = [
  { colour: "red", shape: "circle" },
  { colour: "blue", shape: "square" },
  { colour: "green", shape: "triangle" },
];
const some = fc.array(fc.constantFrom(...MARKS), { maxLength: 16 });
const lattices = fc.constantFrom(...LATTICES);
const seeds = fc.nat(1e6);
const SETTINGS = { numRuns: 200, seed: 13 };

describe("scatter", () => {
  it("puts every mark into a cell of its own, in reading order, near the cell's middle", () => {
    fc.assert(
      fc.property(some, lattices, seeds, (marks, lattice, seed) => {
        const placed = scatter(marks, lattice, Rng.fromSeed(seed));
        const cells = placed.map(({ row, column }) => row * lattice.columns + column);
        expect(new Set(cells).size).toBe(marks.length);
        expect(cells).toEqual([...cells].sort((a, b) => a - b));
        const names = (list: readonly Mark[]) => list.map(({ colour, shape }) => `${colour} ${shape}`).sort();
        expect(names(placed)).toEqual(names(marks));
        for (const { row, column, centre } of placed) {
          expect(row).toBeLessThan(lattice.rows);
          expect(column).toBeLessThan(lattice.columns);
          expect(Math.abs(centre.x - (column + 0.5) * CELL)).toBeLessThanOrEqual(2);
          expect(Math.abs(centre.y - (row + 0.5) * CELL)).toBeLessThanOrEqual(2);
        }
      }),
      SETTINGS,
    );
  });

  it("leaves out what no cell is left for", () => {
    const many = Array.from({ length: 20 }, () => MARKS[0] as Mark);
    expect(scatter(many, { columns: 2, rows: 3 }, Rng.fromSeed(1))).toHaveLength(6);
    expect(scatter([], { columns: 2, rows: 3 }, Rng.fromSeed(1))).toEqual([]);
  });

  it("counts rows that add up to the marks", () => {
    fc.assert(
      fc.property(some, lattices, seeds, (marks, lattice, seed) => {
        const placed = scatter(marks, lattice, Rng.fromSeed(seed));
        const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
        const isRed = ({ colour }: Mark) => colour === "red";
        expect(sum(countRows(placed, lattice.rows, () => true))).toBe(marks.length);
        expect(sum(countRows(placed, lattice.rows, isRed))).toBe(marks.filter(isRed).length);
        expect(countRows(placed, lattice.rows, () => true)).toHaveLength(lattice.rows);
      }),
      SETTINGS,
    );
  });
});

describe("cellCentre", () => {
  it("is the middle without jitter, and reaches both ends of it with some", () => {
    expect(cellCentre(2, 3, 0, Rng.fromSeed(1))).toEqual({ x: 3.5 * CELL, y: 2.5 * CELL });
    const rng = Rng.fromSeed(1);
    const shifts = Array.from({ length: 300 }, () => cellCentre(0, 0, 2, rng).x - CELL / 2);
    expect([Math.min(...shifts), Math.max(...shifts)]).toEqual([-2, 2]);
  });
});

describe("integerExcept", () => {
  it("draws every number of the range but one, each as often", () => {
    const rng = Rng.fromSeed(4);
    const counts = new Map<number, number>();
    for (let draw = 0; draw < 4000; draw++) {
      const drawn = integerExcept(3, 8, 5, rng);
      counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([3, 4, 6, 7]);
    // 4000 draws of 1/4: 1000 ± 27.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(137);
  });

  it("can leave out the lowest and the highest", () => {
    const drawn = (except: number) =>
      new Set(Array.from({ length: 100 }, (_, seed) => integerExcept(0, 3, except, Rng.fromSeed(seed))));
    expect([...drawn(0)].sort()).toEqual([1, 2]);
    expect([...drawn(2)].sort()).toEqual([0, 1]);
  });
});

describe("words", () => {
  it("add up aloud without spaces", () => {
    expect(sumAloud([1, 0, 2])).toBe("1+0+2=3");
    expect(sumAloud([4])).toBe("4=4");
  });

  it("letter choices", () => {
    expect(choicesText(["red", "blue", "green", "yellow"])).toBe("A. red B. blue C. green D. yellow");
    expect(Array.from({ length: 8 }, (_, at) => letterOf(at)).join("")).toBe("ABCDEFGH");
    expect(letterOf(8)).toBe("");
  });
});
