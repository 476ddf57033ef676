/**
 * @module Text to tokens and back: a Hugging Face `tokenizer.json` with byte-level BPE, as Qwen2 has.
 *
 * Encoding is `@huggingface/tokenizers`; decoding is ours, because a sampled response may end inside a character or
 * hold bytes that are no text at all.
 */

import { join } from "node:path";
import { Tokenizer as Encoder } from "@huggingface/tokenizers";
import { z } from "zod";
import { tokenBytes } from "./byteLevel.js";
import { checkModelFile, missingFile, readModelJson } from "./modelFiles.js";

export interface DecodeOptions {
  /** Leaves out special tokens (`<|im_end|>`), not the words. Default false. */
  readonly skipSpecial?: boolean;
}

/** Text that arrives token by token. */
export interface DecodeStream {
  /** The characters that this token completes; what is left of a character waits for its other bytes. */
  push(token: number): string;
  /** What waits at the end: U+FFFD for an unfinished character, else nothing. */
  end(): string;
}

export interface Tokenizer {
  /** One more than the highest token. The model's vocabulary may be padded beyond it. */
  readonly size: number;
  /** Special tokens by what they look like: `<|im_end|>` → 151645. */
  readonly specialTokens: ReadonlyMap<string, number>;
  encode(text: string): Int32Array;
  /** Tokens outside the vocabulary say nothing; bytes that are not UTF-8 become U+FFFD. */
  decode(tokens: ArrayLike<number>, options?: DecodeOptions): string;
  decodeStream(options?: DecodeOptions): DecodeStream;
}

const patternSchema = z.looseObject({ Regex: z.string().optional() });
const stepSchema = z.looseObject({ type: z.string(), pattern: patternSchema.optional() });
const fileSchema = z.looseObject({
  added_tokens: z.array(
    z.looseObject({ id: z.int().nonnegative(), content: z.string(), special: z.boolean() }),
  ),
  normalizer: stepSchema.nullable(),
  pre_tokenizer: z.looseObject({ type: z.string(), pretokenizers: z.array(stepSchema).optional() }),
  decoder: z.looseObject({ type: z.literal("ByteLevel") }),
  model: z.looseObject({ type: z.literal("BPE"), vocab: z.record(z.string(), z.int().nonnegative()) }),
});
type TokenizerFile = z.infer<typeof fileSchema>;

/**
 * Reads `tokenizer.json`, and `tokenizer_config.json` where there is one.
 * @throws ModelError when the file is missing, broken, or not byte-level BPE
 */
export async function loadTokenizer(dir: string): Promise<Tokenizer> {
  const path = join(dir, "tokenizer.json");
  const json = await readModelJson(path);
  if (json === undefined) throw missingFile(path);
  return createTokenizer(json, path);
}

/**
 * @param json the parsed `tokenizer.json`
 * @param where its path, for messages
 */
export function createTokenizer(json: unknown, where: string): Tokenizer {
  const file = checkModelFile(fileSchema, json, where);
  const encoder = new Encoder(file, {});
  const special = file.added_tokens.filter((token) => token.special);
  const specialTokens = new Map(special.map(({ content, id }) => [content, id]));
  const bytes = bytesOfTokens(file);
  const specialIds = new Set(specialTokens.values());
  const bytesOf = (token: number, { skipSpecial = false }: DecodeOptions) =>
    (skipSpecial && specialIds.has(token) ? undefined : bytes[token]) ?? new Uint8Array(0);
  return {
    size: bytes.length,
    specialTokens,
    encode: (text) => Int32Array.from(encoder.encode(text, { add_special_tokens: false }).ids),
    decode: (tokens, options = {}) =>
      utf8().decode(Buffer.concat(Array.from(tokens, (token) => bytesOf(token, options)))),
    decodeStream(options = {}) {
      const decoder = utf8();
      return {
        push: (token) => decoder.decode(bytesOf(token, options), { stream: true }),
        end: () => decoder.decode(),
      };
    },
  };
}

/** A byte order mark is text like any other. */
function utf8(): InstanceType<typeof TextDecoder> {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}

/** What each token says, by id; holes where there is no token. */
function bytesOfTokens(file: TokenizerFile): (Uint8Array | undefined)[] {
  const named = [
    ...Object.entries(file.model.vocab),
    ...file.added_tokens.map(({ content, id }) => [content, id] as const),
  ];
  const bytes: (Uint8Array | undefined)[] = [];
  for (const [token, id] of named) bytes[id] = tokenBytes(token);
  return bytes;
}
