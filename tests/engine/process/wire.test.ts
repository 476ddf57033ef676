import { deserialize, serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { createImageLedger, createImageStore } from "../../../src/engine/process/wire.js";
import type { Prompt } from "../../../src/records.js";

/** A prompt with one image of `size` bytes, all of them `fill`. */
function imagePrompt(fill: number, size = 1000): Prompt {
  const image = { kind: "bytes", bytes: new Uint8Array(size).fill(fill) } as const;
  const piece = {
    kind: "image",
    image,
    digest: `d${fill}`,
    size: { width: 28, height: 28 },
    tokens: 1,
  } as const;
  return { id: `p${fill}`, name: "row", pieces: [{ kind: "tokens", tokens: Int32Array.of(1, 2) }, piece] };
}

/** What arrives at the other side. */
const cross = <T>(value: T): T => deserialize(serialize(value)) as T;

describe("images between processes", () => {
  it("arrive whole, in prompts at any depth, with everything else as it was", () => {
    const [ledger, store] = [createImageLedger(), createImageStore()];
    const args = [
      {
        readings: [{ prompt: imagePrompt(1), responses_R: [Int32Array.of(7)] }],
        of: "policy",
        temperature: 1,
      },
    ];
    expect(store.unpack(cross(ledger.pack(args)))).toEqual(args);
  });

  it("cross once, however often and under whatever prompt they are asked for", () => {
    const [ledger, store] = [createImageLedger(), createImageStore()];
    const first = ledger.pack([imagePrompt(1), { ...imagePrompt(1), id: "other words" }]);
    expect([...first.images.keys()]).toEqual(["d1"]);
    store.unpack(cross(first));
    const again = ledger.pack([imagePrompt(1)]);
    expect(again.images.size).toBe(0);
    expect(serialize(again).length).toBeLessThan(500);
    expect(store.unpack(cross(again))).toEqual([imagePrompt(1)]);
  });

  it("are forgotten on both sides when there is no room, those used longest ago first, and cross again", () => {
    const [ledger, store] = [createImageLedger(2500), createImageStore()];
    const send = (fill: number) => {
      const packed = ledger.pack([imagePrompt(fill)]);
      expect(store.unpack(cross(packed))).toEqual([imagePrompt(fill)]);
      return { crossed: [...packed.images.keys()], forgotten: packed.forget };
    };
    expect(send(1)).toEqual({ crossed: ["d1"], forgotten: [] });
    expect(send(2)).toEqual({ crossed: ["d2"], forgotten: [] });
    expect(send(1)).toEqual({ crossed: [], forgotten: [] });
    expect(send(3)).toEqual({ crossed: ["d3"], forgotten: ["d2"] });
    expect(send(2)).toEqual({ crossed: ["d2"], forgotten: ["d1"] });
  });

  it("of one call are all kept, also when they are more than there is room for", () => {
    const [ledger, store] = [createImageLedger(10), createImageStore()];
    const prompts = [1, 2, 3].map((fill) => imagePrompt(fill));
    expect(store.unpack(cross(ledger.pack(prompts)))).toEqual(prompts);
  });

  it("named by a path cross as the path", () => {
    const prompt = imagePrompt(1);
    const pieces = prompt.pieces.map((piece) =>
      piece.kind === "image" ? { ...piece, image: { kind: "path", path: "a.png" } as const } : piece,
    );
    const packed = createImageLedger().pack([{ ...prompt, pieces }]);
    expect(packed.images.size).toBe(0);
    expect(createImageStore().unpack(cross(packed))).toEqual([{ ...prompt, pieces }]);
  });
});
