/**
 * @module The second normal form of the reference grader (form N): units, LaTeX to text, mixed numbers, lower case.
 * Source: specification of MathRuler 0.1.0, `grader.py`.
 */
import { latexToText } from "./latexText.js";
import { integerWithCommas, nearInteger } from "./pythonNumber.js";
import { stripAsPython } from "./pythonSpace.js";

const UNITS =
  "degree cm centimeter meter mile second minute hour day week month year foot feet inch yard".split(" ");
const UNIT_PATTERNS = UNITS.map((unit) => ({
  unit,
  pattern: new RegExp(`${unit}(es)?(s)? *(\\^[0-9]+)?`, "g"),
}));

/** Deletes the listed units wherever they stand, also inside words ("Monday" → "Mon"). */
function deleteUnits(text: string): string {
  return UNIT_PATTERNS.reduce(
    (rest, { unit, pattern }) => (rest.includes(unit) ? rest.replace(pattern, "") : rest),
    text,
  );
}

function deleteMarks(answer: string): string {
  const wrapped = /^\\text\{([^\n]+?)\}\n?$/.exec(answer);
  return (wrapped ? (wrapped[1] as string) : answer)
    .replaceAll("\\%", "%")
    .replaceAll("\\$", "$")
    .replaceAll("$", "")
    .replaceAll("%", "")
    .replaceAll(" or ", " , ")
    .replaceAll(" and ", " , ")
    .replaceAll("million", "*10^6")
    .replaceAll("billion", "*10^9")
    .replaceAll("trillion", "*10^12");
}

function stripOuterBraces(text: string): string {
  return text.length > 0 && text[0] === "{" && text[text.length - 1] === "}" ? text.slice(1, -1) : text;
}

/** LaTeX to text with the reference's spelling of the symbols that the symbolic test knows. */
function toPlain(text: string): string {
  if (!text.includes("\\")) return text;
  const spaced = text
    .replaceAll("\\tfrac", "\\frac")
    .replaceAll("\\dfrac", "\\frac")
    .replaceAll("\\frac", " \\frac");
  const plain = latexToText(spaced);
  if (plain === null) return text;
  const spelled = plain
    .replaceAll("√", "sqrt")
    .replaceAll("π", "pi")
    .replaceAll("∞", "inf")
    .replaceAll("∪", "U")
    .replaceAll("·", "*")
    .replaceAll("×", "*");
  return stripAsPython(spelled);
}

/** Form N of an answer. */
export function prmForm(answer: string): string {
  const unitless = deleteUnits(deleteMarks(answer)).replace(/\^ *\\circ/g, "");
  const bare = stripOuterBraces(unitless).replace(/,\\! */g, "");
  const integer = nearInteger(bare);
  const text = integer === null ? toPlain(bare) : String(integer.nearest);
  const joined = text
    .replace(/- */g, "-")
    .replace(/([0-9]) +([0-9])/g, "$1+$2")
    .replaceAll(" ", "")
    .replaceAll("{", "")
    .replaceAll("}", "")
    .toLowerCase();
  const final = integerWithCommas(joined);
  return final === null ? joined : String(final.towardsZero);
}
