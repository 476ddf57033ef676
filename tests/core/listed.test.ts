import { expect, it } from "vitest";
import { listed } from "../../src/core/listed.js";

it("listed(…) names the first eight and counts the rest", () => {
  expect(listed([])).toBe("");
  expect(listed(["a", 2])).toBe("a, 2");
  expect(listed([1, 2, 3, 4, 5, 6, 7, 8])).toBe("1, 2, 3, 4, 5, 6, 7, 8");
  expect(listed([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toBe("1, 2, 3, 4, 5, 6, 7, 8 and 2 more");
});
