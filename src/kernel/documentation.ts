/**
 * @module Comments of declaration files, read when a person hovers over a name: reading them all takes a third of the
 * compiler's start.
 */
import type TypeScript from "typescript";

type Node = TypeScript.Node;
type SourceFile = TypeScript.SourceFile;

/** A node with the comments before it; internal to TypeScript 5.9. */
type Documented = Node & { jsDoc?: readonly TypeScript.JSDoc[] };

/** The children of a node, in the order of their kinds and places. */
function childrenOf(ts: typeof TypeScript, node: Node): Node[] {
  const children: Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  return children;
}

/** Hands the comments of one tree's nodes to the same nodes of another tree of the same text. */
function copyComments(ts: typeof TypeScript, from: Documented, to: Documented): void {
  if (from.jsDoc) {
    to.jsDoc = from.jsDoc;
    for (const comment of from.jsDoc) Object.assign(comment, { parent: to });
  }
  const targets = childrenOf(ts, to);
  for (const [at, child] of childrenOf(ts, from).entries()) {
    const target = targets[at];
    if (target?.kind === child.kind) copyComments(ts, child, target);
  }
}

/** @returns gives the declarations of a symbol their comments; each file is read once */
export function createDocumenter(ts: typeof TypeScript): (symbol: TypeScript.Symbol) => void {
  const isRead = new WeakSet<SourceFile>();
  return ({ declarations = [] }) => {
    for (const file of declarations.map((declaration) => declaration.getSourceFile())) {
      if (!file.isDeclarationFile || isRead.has(file)) continue;
      isRead.add(file);
      copyComments(ts, ts.createSourceFile(file.fileName, file.text, ts.ScriptTarget.Latest, true), file);
    }
  };
}
