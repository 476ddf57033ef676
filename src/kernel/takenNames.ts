/**
 * @module Names that a cell cannot declare: a cell runs as a CommonJS module, whose own variables they are.
 */
import type TypeScript from "typescript";
import type { CellDiagnostic } from "./compiler.js";

const TAKEN = new Set(["exports", "require", "module", "__filename", "__dirname"]);

/** Identifiers that a declaration's name binds, those of patterns included. */
function boundBy(ts: typeof TypeScript, name: TypeScript.BindingName): TypeScript.Identifier[] {
  if (ts.isIdentifier(name)) return [name];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundBy(ts, element.name) : []));
}

function declaredBy(ts: typeof TypeScript, statement: TypeScript.Statement): TypeScript.Identifier[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => boundBy(ts, name));
  }
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isEnumDeclaration(statement);
  return isNamed && statement.name ? [statement.name] : [];
}

/** What is wrong with a cell's own names, each with its place. */
export function takenNames(ts: typeof TypeScript, source: string): CellDiagnostic[] {
  const file = ts.createSourceFile("cell.ts", source, ts.ScriptTarget.Latest);
  const names = file.statements.flatMap((statement) => declaredBy(ts, statement));
  return names
    .filter(({ text }) => TAKEN.has(text))
    .map((name) => ({
      start: file.getLineAndCharacterOfPosition(name.getStart(file)),
      messageText: `'${name.text}' belongs to the module that a cell runs as: choose another name.`,
    }));
}
