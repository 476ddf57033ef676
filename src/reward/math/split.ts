/**
 * @module Finds the parts of a token list that stand outside of all brackets.
 */
import type { Token } from "./tokens.js";

const OPENERS = new Set(["(", "[", "{", "\\{", "⟨", "⌊", "⌈", "\\begin"]);
const CLOSERS = new Set([")", "]", "}", "\\}", "⟩", "⌋", "⌉", "\\end"]);

/** How much deeper the token leads. */
function levelOf({ kind, text }: Token): number {
  if (kind !== "mark") return 0;
  if (OPENERS.has(text)) return 1;
  return CLOSERS.has(text) ? -1 : 0;
}

/** Positions of the tokens outside of brackets that `matches` accepts. */
export function positions(tokens: readonly Token[], matches: (token: Token) => boolean): number[] {
  const found: number[] = [];
  let depth = 0;
  tokens.forEach((token, at) => {
    const level = levelOf(token);
    if (level < 0) depth--;
    if (depth === 0 && level === 0 && matches(token)) found.push(at);
    if (level > 0) depth++;
  });
  return found;
}

/** The parts between separators; one part when there is none. */
export function split(tokens: readonly Token[], isSeparator: (token: Token) => boolean): Token[][] {
  const cuts = positions(tokens, isSeparator);
  return [...cuts, tokens.length].map((cut, at) =>
    tokens.slice(at === 0 ? 0 : (cuts[at - 1] as number) + 1, cut),
  );
}

/** Whether one pair of brackets encloses everything. */
export function isEnclosed(tokens: readonly Token[]): boolean {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    depth += levelOf(token);
    if (depth <= 0) return at === tokens.length - 1 && at > 0 && depth === 0;
  }
  return false;
}
