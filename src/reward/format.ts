/**
 * @module The shape a response must have. Written as searches instead of regular expressions, so that time grows
 * linearly with the response however it was made.
 */

/** Whether text[at] is one of the characters around which white space goes. */
function isTagCharacter(unit: string | undefined): boolean {
  return unit === "<" || unit === ">" || unit === "/";
}

/**
 * Removes white space on both sides of every `<`, `>` and `/`, anywhere in the text: the 32B model writes `< think >`.
 * It also joins "3 / 4" in answers. Source: R1-ShareVL `math.py`.
 */
export function joinTags(response: string): string {
  return response.replace(/\s+/g, (run: string, at: number) =>
    isTagCharacter(response[at - 1]) || isTagCharacter(response[at + run.length]) ? "" : run,
  );
}

/**
 * Whether the whole text is `<think>…</think>…\boxed{…}…`: the think tag at position 0, a box after `</think>`, and a
 * closing brace after the box. Braces need not balance; empty parts and repeated think blocks pass.
 */
export function hasBoxedFormat(text: string): boolean {
  if (!text.startsWith("<think>")) return false;
  const thinkEnd = text.indexOf("</think>", "<think>".length);
  if (thinkEnd < 0) return false;
  const box = text.indexOf("\\boxed{", thinkEnd + "</think>".length);
  return box >= 0 && text.indexOf("}", box + "\\boxed{".length) >= 0;
}

/** Whether the whole text is `<think>…</think>`, white space, `<answer>…</answer>` and nothing else (r1v). */
export function hasAnswerFormat(text: string): boolean {
  if (!text.startsWith("<think>") || !text.endsWith("</answer>")) return false;
  const middle = /<\/think>\s*<answer>/.exec(text.slice("<think>".length));
  if (!middle) return false;
  const contentStart = "<think>".length + middle.index + middle[0].length;
  return contentStart <= text.length - "</answer>".length;
}

/** Content of the first `<answer>…</answer>` that stands on one line, or null (r1v). */
export function firstAnswerBlock(text: string): string | null {
  for (const line of text.split("\n")) {
    const start = line.indexOf("<answer>");
    if (start < 0) continue;
    const end = line.indexOf("</answer>", start + "<answer>".length);
    if (end >= 0) return line.slice(start + "<answer>".length, end);
  }
  return null;
}
