/**
 * @module Everything of a model folder that stands between words or images and the network: tokenizer, chat
 * template, image settings.
 */
import { join } from "node:path";
import { z } from "zod";
import { ModelError } from "../core/errors.js";
import { type ChatTemplate, loadChatTemplate } from "./chatTemplate.js";
import { type ImageConfig, parseImageConfig } from "./imageProcessor.js";
import { checkModelFile, missingFile, readModelJson, requireModelFolder } from "./modelFiles.js";
import { loadTokenizer, type Tokenizer } from "./tokenizer.js";

/** What a prompt holds one of per image until the image's size is known. */
export const IMAGE_TOKEN = "<|image_pad|>";

/** What stands between words or images and the network: tokenizer, chat template, image settings. */
export interface Processor extends Tokenizer {
  /** The folder it came from. */
  readonly dir: string;
  readonly chatTemplate: ChatTemplate;
  readonly image: ImageConfig;
  /** The token of `IMAGE_TOKEN`. */
  readonly imageToken: number;
}

const processorSchema = z.looseObject({ image_processor: z.looseObject({}).optional() });

/**
 * Reads the folder's `tokenizer.json`, `tokenizer_config.json`, chat template and `preprocessor_config.json` (or the
 * `image_processor` of `processor_config.json`).
 * @throws ModelError naming the folder or file that is missing or unusable
 */
export async function loadProcessor(dir: string): Promise<Processor> {
  await requireModelFolder(dir);
  const tokenizer = await loadTokenizer(dir);
  const imageToken = tokenizer.specialTokens.get(IMAGE_TOKEN);
  if (imageToken === undefined) {
    const path = join(dir, "tokenizer.json");
    throw new ModelError(
      `${path}: missing special token: ${IMAGE_TOKEN}; is this a folder of a Qwen vision-language model?`,
    );
  }
  return {
    ...tokenizer,
    dir,
    chatTemplate: await loadChatTemplate(dir),
    image: await loadImageConfig(dir),
    imageToken,
  };
}

async function loadImageConfig(dir: string): Promise<ImageConfig> {
  const path = join(dir, "preprocessor_config.json");
  const json = await readModelJson(path);
  if (json !== undefined) return parseImageConfig(json, path);
  const outer = join(dir, "processor_config.json");
  const { image_processor: inner } = checkModelFile(
    processorSchema,
    (await readModelJson(outer)) ?? {},
    outer,
  );
  if (inner === undefined) throw missingFile(path);
  return parseImageConfig(inner, outer);
}
