import ts from "typescript";
import { describe, expect, it } from "vitest";
import { takenNames } from "../../src/kernel/takenNames.js";

describe("takenNames", () => {
  it.each([
    ["const exports = 6", 0, 6, "exports"],
    ["let a = 1;\nlet require = 2;", 1, 4, "require"],
    ["const { module } = { module: 3 };", 0, 8, "module"],
    ["const [one, { x: __dirname }] = [1, { x: 2 }];", 0, 17, "__dirname"],
    ["function require() {}", 0, 9, "require"],
    ["class module {}", 0, 6, "module"],
  ])("names the line and the name of %j", (source, line, character, name) => {
    const [found, ...more] = takenNames(ts, source);
    expect(more).toEqual([]);
    expect(found?.start).toEqual({ line, character });
    expect(found?.messageText).toContain(`'${name}' belongs to the module`);
  });

  it("lets them be used, shadowed inside of functions, and be properties", () => {
    const fine =
      "const fs = require('fs'); const f = () => { const module = 1; return { exports: module }; };";
    expect(takenNames(ts, fine)).toEqual([]);
  });
});
