import koffi from "koffi";
import { describe, expect, it } from "vitest";
import { cardSpace, hostSpace } from "../../src/compile/runtime/capi/addressSpace.js";
import type { Card } from "../../src/compile/runtime/capi/card.js";

describe("the host's memory by address", () => {
  it("is read, written, cleared and copied, and seen in place", () => {
    const space = hostSpace({ koffi });
    const numbers = Float32Array.of(1, 2, 3, 4);
    const at = koffi.address(numbers.buffer);
    space.upload(at + 4n, Float32Array.of(7));
    space.copy(at + 12n, at + 4n, 4);
    space.clear(at + 8n, 4);
    expect([...numbers]).toEqual([1, 7, 0, 7]);
    const two = new Float32Array(2);
    space.download(at, two);
    expect([...two]).toEqual([1, 7]);
    const view = space.view?.(at + 4n, 2);
    if (view) view[1] = 9;
    expect([...numbers]).toEqual([1, 7, 9, 7]);
    space.clear(at, 0);
    expect(space.view?.(at, 0)).toHaveLength(0);
  });
});

describe("a card's memory by address", () => {
  it("is as it should be when a call returns: graphs do not wait for what is queued here", () => {
    const calls: string[] = [];
    const log = (name: string) => () => void calls.push(name);
    const card: Card = {
      ...{ name: "a card", multiprocessors: 1, memory: () => ({ free: 0, total: 0 }) },
      ...{ upload: log("upload"), download: log("download"), clear: log("clear"), copy: log("copy") },
      kernel: () => log("kernel"),
      synchronize: log("wait"),
    };
    const space = cardSpace(card);
    space.upload(1n, new Uint8Array(1));
    space.clear(1n, 1);
    space.copy(1n, 2n, 1);
    space.download(1n, new Uint8Array(1));
    expect(calls).toEqual(["upload", "wait", "clear", "wait", "copy", "wait", "download"]);
  });
});
