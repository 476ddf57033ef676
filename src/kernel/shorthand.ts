/**
 * @module Writes `{ a }` as `{ a: a }`. tslab reads a variable of an earlier cell by rewriting its name, and overlooks
 * the names that are property and value at once.
 */
import type TypeScript from "typescript";

/** The cell with its shorthand properties written out; lines stay where they are. */
export function expandShorthand(ts: typeof TypeScript, source: string): string {
  const tree = ts.createSourceFile("cell.ts", source, ts.ScriptTarget.Latest, false, ts.ScriptKind.TS);
  const ends: { readonly name: string; readonly end: number }[] = [];
  const visit = (node: TypeScript.Node): void => {
    // With a default, `({ a = 1 } = b)`, it can only be shorthand.
    if (ts.isShorthandPropertyAssignment(node) && !node.objectAssignmentInitializer) {
      ends.push({ name: node.name.text, end: node.name.end });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return ends.reduceRight(
    (text, { name, end }) => `${text.slice(0, end)}: ${name}${text.slice(end)}`,
    source,
  );
}
