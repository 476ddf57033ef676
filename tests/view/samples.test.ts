import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Mark, SampleLine } from "../../src/view/records.js";
import { createSampleReader, type SampleQuery, type SampleSet } from "../../src/view/samples.js";

const EVERY: SampleQuery = { marks: [], offset: 0, limit: 200 };

function line(at: number, more: Partial<SampleLine> = {}): SampleLine {
  return { at, title: `number ${at}`, category: "count", gold: "3", note: "", marks: [], ...more };
}

/** A set in memory that counts how often it is searched. */
function setOf(lines: SampleLine[]) {
  const counts = { searches: 0 };
  let version = 0;
  const set: SampleSet = {
    get lines() {
      return lines;
    },
    known: 1,
    get version() {
      return String(version);
    },
    refresh: () => Promise.resolve(),
    read: (at) =>
      Promise.resolve({
        ...{ kind: "answer", index: String(at), category: "", question: "" },
        ...{ gold: "", images: [], answers: [] },
      }),
    search(among, words) {
      counts.searches++;
      return Promise.resolve(among.filter((at) => lines[at]?.title.includes(words)));
    },
  };
  const add = (more: SampleLine) => {
    lines.push(more);
    version++;
  };
  return { set, counts, add };
}

const MARKED: readonly SampleLine[] = [
  line(0, { marks: ["correct"], step: 1 }),
  line(1, { marks: ["wrong", "truncated"], step: 1, category: "angle" }),
  line(2, { marks: ["wrong"], step: 2 }),
  line(3, { marks: ["wrong", "truncated", "unparsed"], step: 3, category: "angle" }),
];

describe("a page of samples", () => {
  it.each<readonly [what: string, query: Partial<SampleQuery>, places: readonly number[]]>([
    ["everything", {}, [0, 1, 2, 3]],
    ["a mark", { marks: ["wrong"] }, [1, 2, 3]],
    ["all of several marks", { marks: ["wrong", "truncated"] }, [1, 3]],
    ["a mark that nothing carries", { marks: ["differs"] }, []],
    ["a category", { category: "angle" }, [1, 3]],
    ["a step", { step: 1 }, [0, 1]],
    ["a step and a mark", { step: 1, marks: ["wrong"] }, [1]],
    ["words", { words: "number 2" }, [2]],
    ["words with space around them", { words: "  number 2 " }, [2]],
    ["words and a mark", { words: "number", marks: ["unparsed"] }, [3]],
    ["no words but space", { words: "   " }, [0, 1, 2, 3]],
    ["what begins after the end", { offset: 9 }, []],
  ])("holds what is asked for: %s", async (_, query, places) => {
    const reader = createSampleReader(setOf([...MARKED]).set);
    const page = await reader.page({ ...EVERY, ...query });
    expect(page.lines.map(({ at }) => at)).toEqual(places);
  });

  it("counts categories, steps and marks of the whole set, whatever is filtered", async () => {
    const reader = createSampleReader(setOf([...MARKED]).set);
    const { all, total, categories, steps, marks } = await reader.page({ ...EVERY, marks: ["unparsed"] });
    expect({ all, total, categories }).toEqual({ all: 4, total: 1, categories: ["angle", "count"] });
    expect(steps).toEqual({ first: 1, last: 3 });
    expect(marks).toEqual({ correct: 1, wrong: 3, truncated: 2, unparsed: 1 });
  });

  it("has no steps where samples have none, and nothing of an empty set", async () => {
    expect(await createSampleReader(setOf([line(0)]).set).page(EVERY)).not.toHaveProperty("steps");
    const nothing = await createSampleReader(setOf([]).set).page(EVERY);
    expect(nothing).toEqual({
      ...{ total: 0, all: 0, known: 1, offset: 0 },
      ...{ lines: [], categories: [], marks: {} },
    });
  });

  it("follows the one before: pages laid end to end are the whole list, each sample once", async () => {
    const marks = fc.subarray<Mark>(["correct", "wrong", "truncated"]);
    const sets = fc.array(marks, { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(sets, marks, fc.integer({ min: 1, max: 7 }), async (each, asked, limit) => {
        const reader = createSampleReader(setOf(each.map((own, at) => line(at, { marks: own }))).set);
        const { total } = await reader.page({ marks: asked, offset: 0, limit });
        const places: number[] = [];
        for (let offset = 0; offset < total; offset += limit)
          places.push(...(await reader.page({ marks: asked, offset, limit })).lines.map(({ at }) => at));
        const passing = each.flatMap((own, at) => (asked.every((mark) => own.includes(mark)) ? [at] : []));
        expect(places).toEqual(passing);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it("searches once for all pages of an answer, and again when the set has grown", async () => {
    const { set, counts, add } = setOf([...MARKED]);
    const reader = createSampleReader(set);
    for (const offset of [0, 1, 2]) await reader.page({ ...EVERY, words: "number", offset, limit: 1 });
    expect(counts.searches).toBe(1);
    add(line(4));
    expect((await reader.page({ ...EVERY, words: "number" })).total).toBe(5);
    expect(counts.searches).toBe(2);
    await reader.page({ ...EVERY, words: "number", step: 1 });
    expect(counts.searches).toBe(3);
  });

  it("does not wait for a file that takes long to read", async () => {
    const { set } = setOf([...MARKED]);
    const reader = createSampleReader({
      ...set,
      lines: MARKED,
      known: 0.5,
      refresh: () => new Promise(() => {}),
    });
    expect(await reader.page(EVERY)).toMatchObject({ known: 0.5, total: 4 });
  });
});
