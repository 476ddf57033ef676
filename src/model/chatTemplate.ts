/**
 * @module Messages to the text a chat model was trained on, by the model's own Jinja template.
 */

import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { z } from "zod";
import { ModelError, messageOf } from "../core/errors.js";
import { checkModelFile, missingFile, readModelJson, readModelText } from "./modelFiles.js";

export type ChatPart = { readonly type: "image" } | { readonly type: "text"; readonly text: string };

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly ChatPart[];
}

export interface ChatTemplate {
  /** The file it stands in. */
  readonly path: string;
  readonly source: string;
  /** Renders messages; with `isOpen` the assistant's turn is begun. @throws ModelError when the template refuses */
  render(messages: readonly ChatMessage[], isOpen: boolean): string;
}

const namedTemplates = z.array(z.object({ name: z.string(), template: z.string() }));
const holderSchema = z.looseObject({ chat_template: z.union([z.string(), namedTemplates]).nullish() });

/**
 * Finds the template where Python looks: `chat_template.jinja`, then `chat_template.json`, then
 * `tokenizer_config.json`.
 * @throws ModelError when there is none, or it is not Jinja
 */
export async function loadChatTemplate(dir: string): Promise<ChatTemplate> {
  const plain = join(dir, "chat_template.jinja");
  const source = await readModelText(plain);
  if (source !== undefined) return createChatTemplate(source, plain);
  for (const name of ["chat_template.json", "tokenizer_config.json"]) {
    const path = join(dir, name);
    const { chat_template: held } = checkModelFile(holderSchema, (await readModelJson(path)) ?? {}, path);
    const text = typeof held === "string" ? held : held?.find((entry) => entry.name === "default")?.template;
    if (text !== undefined) return createChatTemplate(text, path);
  }
  throw missingFile(plain);
}

/** @param path where the template stands, for messages */
export function createChatTemplate(source: string, path: string): ChatTemplate {
  const template = attempt(path, () => new Template(source));
  return {
    path,
    source,
    render: (messages, isOpen) =>
      attempt(path, () => template.render({ messages, add_generation_prompt: isOpen })),
  };
}

function attempt<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new ModelError(`${path}: invalid chat template: ${messageOf(error)}`, { cause: error });
  }
}
