import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../../src/core/errors.js";
import {
  appendEvent,
  crc32c,
  maskedCrc32c,
  readEvents,
  type ScalarEvent,
  scalarFrame,
  truncateEvents,
} from "../../../src/train/run/tensorboard.js";
import { temporaryFolder } from "../../support/fakeModel.js";

let dir: string;
beforeAll(async () => {
  dir = await temporaryFolder();
});

const event = (step: number): ScalarEvent => ({
  wallTime: 1_700_000_000.5 + step,
  step,
  scalars: { "reward/overall": 0.25 * step, frac_reward_zero_std: 0.5 },
});

describe("crc32c", () => {
  it("equals the check values of RFC 3720, B.4", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  });

  it("is masked by a rotation of 15 bits and a constant", () => {
    // crc e3069283: rotated right by 15 it is 2507c60d; + a282ead8 = c78ab0e5.
    expect(maskedCrc32c(Buffer.from("123456789"))).toBe(0xc78ab0e5);
  });
});

describe("scalarFrame", () => {
  it("is laid out byte by byte as the format says", () => {
    const bytes = Buffer.from(scalarFrame({ wallTime: 1, step: 300, scalars: { a: 1.5, b: Number.NaN } }));
    // Event: 09 wall_time, 10 step (300 = ac 02), 2a summary of 10 bytes { 0a value of 8 { 0a tag "a", 15 1.5f } }
    const payload = "09000000000000f03f" + "10ac02" + "2a0a" + "0a08" + "0a0161" + "150000c03f";
    expect(bytes.subarray(12, -4).toString("hex")).toBe(payload);
    expect(Number(bytes.readBigUInt64LE(0))).toBe(payload.length / 2);
    expect(bytes.readUInt32LE(8)).toBe(maskedCrc32c(bytes.subarray(0, 8)));
    expect(bytes.readUInt32LE(bytes.length - 4)).toBe(maskedCrc32c(bytes.subarray(12, -4)));
  });
});

describe("appendEvent", () => {
  it("writes a file that begins with its version and reads back as it was written", async () => {
    const path = join(dir, "events.out.tfevents.whole");
    for (const step of [1, 2, 3]) await appendEvent(path, event(step));
    const [version, ...events] = await readEvents(path);
    expect(version).toEqual({ wallTime: event(1).wallTime, step: 0, scalars: {} });
    expect((await readFile(path)).includes("brain.Event:2")).toBe(true);
    expect(events).toEqual([1, 2, 3].map(event));
  });

  it("keeps every step, tag and 32-bit number", async () => {
    const path = join(dir, "events.out.tfevents.any");
    const any = fc.record({
      wallTime: fc.double({ noNaN: true, noDefaultInfinity: true }),
      step: fc.nat({ max: 2 ** 40 }),
      scalars: fc.dictionary(
        fc.string({ unit: "grapheme" }).filter((tag) => tag !== "__proto__"),
        fc.float({ noNaN: true, noDefaultInfinity: true }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(any, async (each) => {
        await writeFile(path, "");
        await appendEvent(path, each);
        expect((await readEvents(path)).at(-1)).toEqual({ ...each, scalars: { ...each.scalars } });
      }),
      { seed: 5, numRuns: 50 },
    );
  });

  it("names the folder that cannot be written", async () => {
    await expect(appendEvent(join(dir, "missing", "events"), event(1))).rejects.toThrow(
      `${join(dir, "missing")}: cannot write events`,
    );
  });
});

describe("truncateEvents", () => {
  it("cuts off later steps and a torn frame, and leaves what is whole", async () => {
    const path = join(dir, "events.out.tfevents.cut");
    for (const step of [1, 2]) await appendEvent(path, event(step));
    const { size } = await stat(path);
    await appendEvent(path, event(3));
    await appendFile(path, scalarFrame(event(4)).subarray(0, 20));
    await truncateEvents(path, 2);
    expect((await stat(path)).size).toBe(size);
    await truncateEvents(path, 9);
    expect((await readEvents(path)).map(({ step }) => step)).toEqual([0, 1, 2]);
    await truncateEvents(join(dir, "none"), 1);
  });

  it("refuses a damaged file with the place and what to do", async () => {
    const path = join(dir, "events.out.tfevents.damaged");
    await appendEvent(path, event(1));
    const bytes = await readFile(path);
    const last = bytes.length - 6;
    bytes[last] = (bytes[last] as number) ^ 1;
    await writeFile(path, bytes);
    await expect(readEvents(path)).rejects.toThrow(DataError);
    await expect(readEvents(path)).rejects.toThrow(/damaged event at byte 40: delete the file/);
  });
});
