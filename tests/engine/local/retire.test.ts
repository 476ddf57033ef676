import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retire } from "../../../src/engine/local/generate.js";

/** Rows from a picture: `"-x -- xx"` is three prompts of two rows; x has stopped. */
function rowsOf(picture: string): { stop: "eos" | undefined }[] {
  return [...picture.replaceAll(" ", "")].map((mark) => ({ stop: mark === "x" ? "eos" : undefined }));
}

describe("retire", () => {
  it.each([
    { picture: "-- --", units: 2, why: "nothing has stopped" },
    { picture: "-x --", units: 2, why: "a prompt still needs both rows" },
    { picture: "--x -xx --x", units: 3, why: "more than half of the rows are needed" },
  ])("keeps everything while $why: $picture", ({ picture, units }) => {
    const rows = rowsOf(picture);
    expect(retire(rows, units, rows.length / units)).toBeUndefined();
  });

  it("drops a prompt whose rows have all stopped", () => {
    expect(retire(rowsOf("-- xx"), 2, 2)).toEqual({ units: [0], rows: [0, 1] });
    expect(retire(rowsOf("xx -x"), 2, 2)).toEqual({ units: [1], rows: [2] });
  });

  it("drops stopped rows once every prompt needs at most half, filling up with stopped ones", () => {
    // Prompt 0 needs row 1, prompt 1 rows 2 and 5: two rows each; prompt 0 is filled up with its row 0.
    expect(retire(rowsOf("x-xx -xx-"), 2, 4)).toEqual({ units: [0, 1], rows: [1, 0, 4, 7] });
  });

  it("keeps an idle prompt where the graphs' sizes ask for one", () => {
    // Three of five prompts are live; graphs exist for 2 and 4.
    const kept = retire(rowsOf("- x - x -"), 5, 1);
    expect(kept?.units).toEqual([0, 1, 2, 4]);
  });

  it("loses no unfinished row, repeats none, and gives every prompt equally many of its own", () => {
    const stopped = fc.integer({ min: 1, max: 12 }).chain((units) =>
      fc.integer({ min: 1, max: 8 }).chain((perUnit) =>
        fc.record({
          units: fc.constant(units),
          perUnit: fc.constant(perUnit),
          stops: fc.array(fc.boolean(), { minLength: units * perUnit, maxLength: units * perUnit }),
        }),
      ),
    );
    fc.assert(
      fc.property(stopped, ({ units, perUnit, stops }) => {
        fc.pre(stops.some((hasStopped) => !hasStopped));
        const rows = stops.map((hasStopped) => ({ stop: hasStopped ? ("eos" as const) : undefined }));
        const kept = retire(rows, units, perUnit);
        if (!kept) return;
        const unfinished = stops.flatMap((hasStopped, row) => (hasStopped ? [] : [row]));
        expect(new Set(kept.rows).size).toBe(kept.rows.length);
        expect(kept.rows).toEqual(expect.arrayContaining(unfinished));
        const each = kept.rows.length / kept.units.length;
        expect(kept.rows.map((row) => Math.floor(row / perUnit))).toEqual(
          kept.units.flatMap((unit) => new Array<number>(each).fill(unit)),
        );
        expect(kept.rows.length).toBeLessThan(rows.length);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
