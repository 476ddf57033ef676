import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, digestJson, sha256, sha256File } from "../../../src/core/files/digest.js";

describe("digests", () => {
  it("are those of FIPS 180-4's examples", () => {
    expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  it("of a file equals that of its bytes, also beyond one read", async () => {
    const bytes = new Uint8Array(200_000).map((_, at) => at % 251);
    const path = join(await mkdtemp(join(tmpdir(), "sharegrpo-digest-")), "bytes");
    await writeFile(path, bytes);
    expect(await sha256File(path)).toBe(sha256(bytes));
  });

  it("of JSON does not depend on the order of keys at any depth", () => {
    expect(canonicalJson({ b: [{ z: 1, a: null }], a: 2 })).toBe('{"a":2,"b":[{"a":null,"z":1}]}');
    expect(digestJson({ a: { b: 1, c: 2 } })).toBe(digestJson({ a: { c: 2, b: 1 } }));
    expect(digestJson([1, 2])).not.toBe(digestJson([2, 1]));
  });

  it("canonical JSON holds the same value as the JSON it came from", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
