import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flatten, leafPaths, mapTree, unflatten } from "../../src/compile/tree.js";
import { type NdArray, scalar } from "../../src/core/ndarray.js";

const [a, b, c] = [scalar(1), scalar(2), scalar(3)];

/** Trees of numbered leaves, three levels deep. */
const trees = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.integer({ min: 0, max: 99 }).map(scalar),
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-z0-9_.]{1,4}$/), tie("tree"), { maxKeys: 3 }),
  ),
})).tree;

describe("flatten and unflatten", () => {
  it("undo each other", () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const { leaves, structure } = flatten<NdArray>(tree);
        expect(unflatten(structure, leaves)).toEqual(tree);
        expect(
          leafPaths(structure)
            .map(({ leaf }) => leaf)
            .sort((x, y) => x - y),
        ).toEqual(leaves.map((_, at) => at));
      }),
    );
  });

  it("number leaves in the order of lists and of inserted keys", () => {
    const { leaves, structure } = flatten([{ z: a, y: [b] }, c]);
    expect(leaves).toEqual([a, b, c]);
    expect(structure).toEqual([{ z: 0, y: [1] }, 2]);
    expect(unflatten(structure, ["p", "q", "r"])).toEqual([{ z: "p", y: ["q"] }, "r"]);
  });

  it("take a lone leaf, and nothing in records and lists", () => {
    expect(flatten(a)).toEqual({ leaves: [a], structure: 0 });
    expect(unflatten(0, [b])).toBe(b);
    expect(flatten([{}, []])).toEqual({ leaves: [], structure: [{}, []] });
  });

  it("leave absent keys absent", () => {
    const { structure } = flatten({ weights: a, bias: undefined });
    expect(structure).toEqual({ weights: 0 });
    expect(Object.keys(unflatten(structure, [b]) as object)).toEqual(["weights"]);
  });

  it.each([
    [null, "null"],
    [3, "3"],
    ["text", "text"],
    [undefined, "undefined"],
    [true, "true"],
  ])("refuse %j where an array should be", (value, shown) => {
    expect(() => flatten([a, { deep: [value] }])).toThrow(TypeError);
    expect(() => flatten([a, { deep: [value] }])).toThrow(
      `expected arrays in records and lists, got ${shown}`,
    );
  });
});

describe("mapTree", () => {
  it("changes leaves and keeps what they stand in", () => {
    const found = mapTree<NdArray, number>(
      { x: [a, b], y: { z: c } },
      ({ data }) => 10 * (data[0] as number),
    );
    expect(found).toEqual({ x: [10, 20], y: { z: 30 } });
  });
});

describe("leafPaths", () => {
  it("are the keys that lead to a leaf, different for each", () => {
    const { structure } = flatten([{ weights: { bias: a }, list: [b, c] }]);
    expect(leafPaths(structure)).toEqual([
      { path: "/0/weights/bias", leaf: 0 },
      { path: "/0/list/0", leaf: 1 },
      { path: "/0/list/1", leaf: 2 },
    ]);
    expect(leafPaths(0)).toEqual([{ path: "", leaf: 0 }]);
  });
});
