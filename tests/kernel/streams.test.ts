import process from "node:process";
import { afterEach, describe, expect, it } from "vitest";
import { type CapturedStreams, captureStreams, type StreamName } from "../../src/kernel/streams.js";

let captured: CapturedStreams | undefined;
afterEach(() => captured?.close());

/** Starts to capture; returns what was taken so far. */
function capture(): (readonly [StreamName, string])[] {
  const taken: (readonly [StreamName, string])[] = [];
  captured = captureStreams((name, text) => taken.push([name, text]));
  return taken;
}

describe("captureStreams", () => {
  it("takes what is written to either stream, in order", () => {
    const taken = capture();
    process.stdout.write("a");
    process.stderr.write("b\n");
    process.stdout.write(new TextEncoder().encode("c"));
    process.stdout.write(Buffer.from("d"));
    captured?.close();
    expect(taken).toEqual([
      ["stdout", "a"],
      ["stderr", "b\n"],
      ["stdout", "c"],
      ["stdout", "d"],
    ]);
  });

  it("joins the bytes of a letter, and hands on those of one that was never finished", () => {
    const taken = capture();
    const [first = 0, ...rest] = Buffer.from("€");
    process.stdout.write(Uint8Array.of(first));
    process.stdout.write(Uint8Array.from(rest));
    process.stderr.write(Uint8Array.of(first));
    expect(taken).toEqual([["stdout", "€"]]);
    captured?.flush();
    captured?.flush();
    captured?.close();
    expect(taken).toEqual([
      ["stdout", "€"],
      ["stderr", "\ufffd"],
    ]);
  });

  it.each(["hex", "base64", "latin1", "utf16le"] as const)("reads text that is said to be %s", (encoding) => {
    const taken = capture();
    process.stdout.write(Buffer.from("abc").toString(encoding === "utf16le" ? "latin1" : encoding), encoding);
    captured?.flush();
    captured?.close();
    const expected = encoding === "utf16le" ? "a\0b\0c\0" : "abc";
    expect(taken.map(([, text]) => text).join("")).toBe(expected);
  });

  it("calls back, whichever place the callback has, after the write has returned", async () => {
    capture();
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      process.stdout.write("a", () => order.push("one"));
      process.stdout.write("b", "utf8", () => {
        order.push("two");
        resolve();
      });
    });
    order.push("returned");
    await done;
    captured?.close();
    expect(order).toEqual(["returned", "one", "two"]);
  });

  it("gives the streams back", () => {
    const before = [process.stdout.write, process.stderr.write];
    capture();
    expect(process.stdout.write).not.toBe(before[0]);
    captured?.close();
    expect([process.stdout.write, process.stderr.write]).toEqual(before);
  });
});
