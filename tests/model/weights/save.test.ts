import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSafetensors } from "../../../src/model/safetensors.js";
import { saveTensors, type TensorSource } from "../../../src/model/weights/save.js";
import type { Rows } from "../../../src/model/weights/tensorStore.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sharegrpo-save-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Row r is r everywhere. @param asked hears of the rows that are read */
function counting(
  name: string,
  shape: readonly number[],
  asked: (rows?: Rows) => void = () => {},
): TensorSource {
  const [count = 1, ...rest] = shape;
  const columns = rest.reduce((product, side) => product * side, 1);
  return {
    name,
    dtype: "F32",
    shape,
    async read(rows) {
      asked(rows);
      const [begin, end] = rows ?? [0, count];
      const numbers = Float32Array.from(
        { length: (end - begin) * columns },
        (_, at) => begin + Math.floor(at / columns),
      );
      return new Uint8Array(numbers.buffer);
    },
  };
}

describe("saveTensors", () => {
  it("asks for a large tensor's rows once and in order, and writes them one after the other", async () => {
    const asked: (Rows | undefined)[] = [];
    const sizes = { shardBytes: 48 }; // a piece is no larger than a shard: three rows of four numbers
    await saveTensors(folder, [counting("x", [7, 4], (rows) => asked.push(rows))], sizes);
    expect(asked).toEqual([
      [0, 3],
      [3, 6],
      [6, 7],
    ]);
    const { x } = await readSafetensors(join(folder, "model.safetensors"));
    expect(Array.from(x?.data ?? [])).toEqual([0, 1, 2, 3, 4, 5, 6].flatMap((row) => [row, row, row, row]));
  });

  it("writes a number and a tensor of nothing, and counts both", async () => {
    const counts: number[] = [];
    await saveTensors(folder, [counting("none", [0, 4]), counting("one", [])], {
      onTensor: (done) => counts.push(done),
    });
    expect(counts).toEqual([1, 2]);
    const { none, one } = await readSafetensors(join(folder, "model.safetensors"));
    expect([none?.shape, Array.from(one?.data ?? [])]).toEqual([[0, 4], [0]]);
  });

  it("ends, when aborted, after the read that is under way: what it reads from may then be closed", async () => {
    const control = new AbortController();
    let isReading = false;
    const slow: TensorSource = {
      ...counting("b", [1]),
      async read() {
        isReading = true;
        await new Promise((resolve) => setTimeout(resolve, 20));
        isReading = false;
        return new Uint8Array(4);
      },
    };
    const first: TensorSource = {
      ...counting("a", [1]),
      async read() {
        control.abort(new Error("stop"));
        return new Uint8Array(4);
      },
    };
    await expect(saveTensors(folder, [first, slow], { signal: control.signal })).rejects.toThrow("stop");
    expect(isReading).toBe(false);
  });
});
