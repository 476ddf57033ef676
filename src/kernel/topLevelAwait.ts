/**
 * @module Tells whether a cell waits outside of functions, so that it must run as an async function.
 */
import type TypeScript from "typescript";

/** Whether a cell has `await`, `for await` or `await using` outside of functions. */
export function hasTopLevelAwait(ts: typeof TypeScript, source: string): boolean {
  if (!/\bawait\b/.test(source)) return false;
  const waits = (node: TypeScript.Node): boolean => {
    if (ts.isFunctionLike(node)) return false;
    if (ts.isAwaitExpression(node)) return true;
    if (ts.isForOfStatement(node) && node.awaitModifier) return true;
    const isAwaitUsing = (node.flags & ts.NodeFlags.AwaitUsing) === ts.NodeFlags.AwaitUsing;
    if (ts.isVariableDeclarationList(node) && isAwaitUsing) return true;
    return ts.forEachChild(node, (child) => waits(child) || undefined) ?? false;
  };
  // "export {}" makes it a module, or `await (x)` would be a call of a function named await.
  const text = `export {};\n${source}`;
  return waits(ts.createSourceFile("cell.ts", text, ts.ScriptTarget.Latest, false, ts.ScriptKind.TS));
}
