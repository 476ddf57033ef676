import ts from "typescript";
import { describe, expect, it } from "vitest";
import { hasTopLevelAwait } from "../../src/kernel/topLevelAwait.js";

const WAITING = [
  "await 1",
  "const x = await fetch('http://localhost')",
  "await (x)",
  "for await (const part of parts) use(part);",
  "if (true) { await 1 }",
  "await using file = open();",
  "const { a } = await import('node:fs')",
  "const x: Promise<number> = f(); console.log(1 + (await x))",
];

const NOT_WAITING = [
  "",
  "1 + 1",
  "// await 1",
  "'await 1'",
  "async function f() { await 1 }",
  "const f = async () => await 1",
  "class A { async m() { await 1 } }",
  "const awaited = 1; awaited",
  "interface A { await: number }",
];

describe("hasTopLevelAwait", () => {
  it.each(WAITING)("is true of %s", (source) => {
    expect(hasTopLevelAwait(ts, source)).toBe(true);
  });
  it.each(NOT_WAITING)("is false of %s", (source) => {
    expect(hasTopLevelAwait(ts, source)).toBe(false);
  });
});
