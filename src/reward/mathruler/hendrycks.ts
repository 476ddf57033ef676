/**
 * @module The first normal form of the reference grader (form H): string clean-up in the manner of the MATH data set.
 * Source: specification of MathRuler 0.1.0, `math_normalize.py`.
 */
import { stripAsPython } from "./pythonSpace.js";

/** Cuts a `\text{ ` suffix (units). Null when there is more than one: the reference gives up then. */
function cutUnits(text: string): string | null {
  const parts = text.split("\\text{ ");
  return parts.length > 2 ? null : (parts[0] ?? "");
}

/** Keeps what follows "x=": one equals sign with at most two characters before it. */
function cutShortLeftSide(text: string): string {
  const sides = text.split("=");
  return sides.length === 2 && (sides[0] as string).length <= 2 ? (sides[1] as string) : text;
}

/** `\sqrt3` → `\sqrt{3}`. Null when nothing follows a root. */
function braceRoots(text: string): string | null {
  const [head = "", ...tails] = text.split("\\sqrt");
  if (tails.some((tail) => tail === "")) return null;
  return (
    head + tails.map((tail) => `\\sqrt${tail[0] === "{" ? tail : `{${tail[0]}}${tail.slice(1)}`}`).join("")
  );
}

/** `\frac12` → `\frac{1}{2}`, `\frac1{72}` → `\frac{1}{72}`; unchanged when too short. Null when nothing follows. */
function braceFractions(text: string): string | null {
  const [head = "", ...tails] = text.split("\\frac");
  const braced: string[] = [];
  for (const tail of tails) {
    if (tail === "") return null;
    if (tail[0] === "{") braced.push(tail);
    else if (tail.length < 2) return text;
    else if (tail[1] === "{") braced.push(`{${tail[0]}}${tail.slice(1)}`);
    else braced.push(`{${tail[0]}}{${tail[1]}}${tail.slice(2)}`);
  }
  return head + braced.map((tail) => `\\frac${tail}`).join("");
}

function clean(answer: string): string | null {
  const bare = answer
    .replaceAll("\n", "")
    .replaceAll("\\!", "")
    .replaceAll("\\\\", "\\")
    .replaceAll("tfrac", "frac")
    .replaceAll("dfrac", "frac")
    .replaceAll("\\left", "")
    .replaceAll("\\right", "")
    .replaceAll("^{\\circ}", "")
    .replaceAll("^\\circ", "")
    .replaceAll("\\$", "");
  const withoutUnits = cutUnits(bare);
  if (withoutUnits === null) return null;
  const points = withoutUnits
    .replaceAll("\\%", "")
    .replaceAll("%", "")
    .replaceAll(" .", " 0.")
    .replaceAll("{.", "{0.");
  if (points === "") return points;
  const leading = points[0] === "." ? `0${points}` : points;
  const rooted = braceRoots(cutShortLeftSide(leading));
  if (rooted === null) return null;
  const fractions = braceFractions(rooted.replaceAll(" ", ""));
  if (fractions === null) return null;
  if (fractions === "0.5") return "\\frac{1}{2}";
  const ratio = /^(0|-?[1-9]\d*)\/(0|-?[1-9]\d*)$/.exec(fractions);
  return ratio ? `\\frac{${ratio[1]}}{${ratio[2]}}` : fractions;
}

/** Form H of an answer. Where the reference fails half-way, its input, trimmed. */
export function hendrycksForm(answer: string): string {
  const trimmed = stripAsPython(answer);
  const wrapped = /^\\text\{([^\n]+)\}$/.exec(trimmed);
  const inner = wrapped ? stripAsPython(wrapped[1] as string) : trimmed;
  return clean(inner) ?? trimmed;
}
