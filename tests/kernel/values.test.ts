import { describe, expect, it } from "vitest";
import { bundleOf, messageBundle } from "../../src/kernel/values.js";

const DISPLAY = Symbol.for("Jupyter.display");
const METADATA = Symbol.for("Jupyter.metadata");

describe("bundleOf", () => {
  it.each([undefined, null])("shows nothing of %s", async (value) => {
    expect(await bundleOf(value)).toBeUndefined();
  });

  it.each<readonly [unknown, string]>([
    ["a\nb", "a\nb"],
    ["", ""],
    [5, "5"],
    [-0, "-0"],
    [5n, "5n"],
    [false, "false"],
    [[1, "a"], "[ 1, 'a' ]"],
    [{ a: { b: 1 } }, "{ a: { b: 1 } }"],
    [new Map([["k", 1]]), "Map(1) { 'k' => 1 }"],
    [Symbol("s"), "Symbol(s)"],
  ])("shows %o as its text", async (value, text) => {
    expect(await bundleOf(value)).toEqual({ data: { "text/plain": text }, metadata: {} });
  });

  it("asks the value itself, which may wait, with itself as this", async () => {
    const value = {
      word: "yes",
      async [DISPLAY](this: { readonly word: string }) {
        return { "text/html": `<b>${this.word}</b>`, [METADATA]: { wide: true } };
      },
    };
    const shown = await bundleOf(value);
    expect(Object.entries(shown?.data ?? {})).toEqual([["text/html", "<b>yes</b>"]]);
    expect(shown?.metadata).toEqual({ wide: true });
  });

  it("asks functions and what inherits a description, too", async () => {
    const show = Object.assign(() => 1, { [DISPLAY]: () => ({ "text/plain": "one" }) });
    class Shown {
      [DISPLAY]() {
        return { "text/plain": "of the class" };
      }
    }
    expect((await bundleOf(show))?.data).toEqual({ "text/plain": "one" });
    expect((await bundleOf(new Shown()))?.data).toEqual({ "text/plain": "of the class" });
  });

  it.each([undefined, null, "text", 5])(
    "shows the text of a value that describes itself as %s",
    async (described) => {
      const value = { [DISPLAY]: () => described };
      expect(Object.keys((await bundleOf(value))?.data ?? {})).toEqual(["text/plain"]);
    },
  );

  it("takes what is no function for no description", async () => {
    expect((await bundleOf({ [DISPLAY]: 5, a: 1 }))?.data["text/plain"]).toContain("a: 1");
  });

  it("throws what the description throws", async () => {
    const value = {
      [DISPLAY]() {
        throw new TypeError("cannot show");
      },
    };
    await expect(bundleOf(value)).rejects.toThrow("cannot show");
  });
});

describe("messageBundle", () => {
  it("has metadata that is an object, and leaves out any other", () => {
    for (const metadata of [undefined, null, "x", 5]) {
      expect(messageBundle({ "text/plain": "a", [METADATA]: metadata })).toMatchObject({ metadata: {} });
    }
    expect(messageBundle({ [METADATA]: { a: 1 } }).metadata).toEqual({ a: 1 });
  });

  it("is a copy", () => {
    const bundle = { "text/plain": "a" };
    const { data } = messageBundle(bundle);
    bundle["text/plain"] = "b";
    expect(data).toEqual({ "text/plain": "a" });
  });
});
