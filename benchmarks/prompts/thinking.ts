/**
 * @module The thinking prompt that R1-style models are evaluated with, and where it goes.
 *
 * R1-ShareVL adds it inside the loop over message items, so a message of several texts (MMMU's interleaved questions)
 * holds it several times; `r1-once` says it once, at the end.
 */
import type { MessageItem, PromptStyle } from "../records.js";

/** R1-ShareVL's words, byte for byte: two lines, the second begins with a space. */
export const R1_PROMPT =
  "You FIRST think about the reasoning process as an internal monologue and then provide the final answer.\n" +
  " The reasoning process MUST BE enclosed within <think> </think> tags. The final answer MUST BE put in \\boxed{}.";

/** The message with the thinking prompt where the style wants it. */
export function withThinking(items: readonly MessageItem[], style: PromptStyle): readonly MessageItem[] {
  if (style.thinking === "none") return items;
  const words = style.thinkingText ?? R1_PROMPT;
  const lastText = items.findLastIndex((item) => item.kind === "text");
  return items.map((item, at) => {
    if (item.kind === "image") return item;
    const isAsked = style.thinking === "r1-sharevl" || at === lastText;
    return isAsked ? { kind: "text", text: `${item.text} ${words}` } : item;
  });
}
