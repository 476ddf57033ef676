/**
 * @module Reads the list of strings out of a language model's reply, forgiving what models do to JSON: fences and words
 * around the array, LaTeX with single backslashes, line breaks inside strings, a comma too many.
 */

/** LaTeX commands that begin like a JSON escape (`\b \f \n \r \t`); other words after these are text on a new line. */
const COMMANDS_LIKE_ESCAPES = new Set(
  (
    "backslash bar because begin beta between big bigcap bigcup binom bmod bot bowtie box boxed bullet " +
    "flat forall frac frown nabla natural ne nearrow neg neq nexists ni not notin nu nwarrow " +
    "rangle rbrace rbrack rceil rfloor rho right rightarrow rightleftharpoons rm root rule " +
    "tan tanh tau tbinom text textbf textit textrm tfrac therefore theta thickapprox times to top triangle triangleq"
  ).split(" "),
);

/** Doubles every backslash that JSON would misread. */
function repairEscapes(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[a-zA-Z]+|[\s\S])/g, (whole, what: string) => {
    if (/^["\\/]$|^u[0-9a-fA-F]{4}$|^[bfnrt]$/.test(what)) return whole;
    const isEscapeThenText = /^[bfnrt]/.test(what) && !COMMANDS_LIKE_ESCAPES.has(what);
    return isEscapeThenText ? whole : `\\${whole}`;
  });
}

/** The text from the first `[` to the bracket that closes it, brackets inside strings not counted. */
function firstArray(text: string): string | undefined {
  const start = text.indexOf("[");
  if (start < 0) return undefined;
  let depth = 0;
  let isInString = false;
  for (let at = start; at < text.length; at++) {
    const letter = text[at];
    if (isInString) {
      if (letter === "\\") at++;
      else if (letter === '"') isInString = false;
    } else if (letter === '"') isInString = true;
    else if (letter === "[") depth++;
    else if (letter === "]" && --depth === 0) return text.slice(start, at + 1);
  }
  return undefined;
}

/** Raw line breaks and tabs inside strings become escapes; a comma before the closing bracket goes. */
function repairLayout(array: string): string {
  return array
    .replace(/"(?:[^"\\]|\\[\s\S])*"/g, (string) =>
      string.replaceAll("\r", "").replaceAll("\n", "\\n").replaceAll("\t", "\\t"),
    )
    .replace(/,\s*\]$/, "]");
}

/** The strings of the first array in a reply, or why there are none. */
export function readList(
  reply: string,
): { readonly items: readonly string[] } | { readonly problem: string } {
  const array = firstArray(reply.replace(/<think>[\s\S]*?<\/think>/g, ""));
  if (array === undefined) return { problem: "no complete JSON array in the reply" };
  let json: unknown;
  try {
    json = JSON.parse(repairLayout(repairEscapes(array)));
  } catch {
    return { problem: "the array in the reply is not JSON" };
  }
  if (!Array.isArray(json)) return { problem: "the reply is not a list" };
  const items: string[] = [];
  for (const item of json) {
    if (typeof item !== "string") return { problem: "the list holds something else than strings" };
    items.push(item.trim());
  }
  return { items };
}
