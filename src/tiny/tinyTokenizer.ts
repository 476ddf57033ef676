/**
 * @module Makes the text side of the bundled tiny policy's folder: a byte-level BPE vocabulary learnt from a corpus,
 * laid out as Qwen2.5-VL's, which Python's `transformers` reads unchanged.
 */
import { join } from "node:path";
import { Tokenizer as Encoder } from "@huggingface/tokenizers";
import { makeFolder, writeFileAtomic } from "../core/files/atomic.js";
import { BYTE_CHARACTERS } from "../model/byteLevel.js";
import { trainMerges } from "./bpeTrainer.js";

/** Control tokens, in Qwen2.5-VL's order; they follow the learnt vocabulary. */
export const TINY_SPECIAL_TOKENS = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|vision_start|>",
  "<|vision_end|>",
  "<|vision_pad|>",
  "<|image_pad|>",
  "<|video_pad|>",
] as const;

/** One token each because every response has them; they are text, so skipping special tokens keeps them. */
const TAGS = ["<think>", "</think>"] as const;

/** Tokens altogether: ten rows of 64. */
const TINY_VOCABULARY_SIZE = 640;

/** Qwen2's words: contractions, letters with one sign before, single digits, signs, line ends, spaces. */
const WORD_PATTERN = [
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
  "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+",
  "\\p{N}",
  " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*",
  "\\s*[\\r\\n]+",
  "\\s+(?!\\S)",
  "\\s+",
].join("|");

const CHAT_TEMPLATE = [
  "{% for message in messages %}",
  "{{ '<|im_start|>' + message['role'] + '\\n' }}",
  "{% if message['content'] is string %}",
  "{{ message['content'] }}",
  "{% else %}",
  "{% for part in message['content'] %}",
  "{% if part['type'] == 'image' %}",
  "{{ '<|vision_start|><|image_pad|><|vision_end|>' }}",
  "{% elif part['type'] == 'text' %}",
  "{{ part['text'] }}",
  "{% endif %}",
  "{% endfor %}",
  "{% endif %}",
  "{{ '<|im_end|>\\n' }}",
  "{% endfor %}",
  "{% if add_generation_prompt %}",
  "{{ '<|im_start|>assistant\\n' }}",
  "{% endif %}",
].join("");

const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };

function addedToken(content: string, id: number) {
  const special = !TAGS.some((tag) => tag === content);
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
}

/** A `tokenizer.json`. @param learnt vocabulary in order of id */
function tokenizerFile(learnt: readonly string[], merges: readonly string[]) {
  const added = [...TINY_SPECIAL_TOKENS, ...TAGS];
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added.map((content, at) => addedToken(content, learnt.length + at)),
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: WORD_PATTERN }, behavior: "Isolated", invert: false },
        BYTE_LEVEL,
      ],
    },
    post_processor: BYTE_LEVEL,
    decoder: BYTE_LEVEL,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(learnt.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** Words of the corpus in byte characters, with their counts; tags and control tokens are never part of a word. */
function countWords(corpus: Iterable<string>): Map<string, number> {
  const splitter = new Encoder(tokenizerFile(BYTE_CHARACTERS, []), {}).pre_tokenizer;
  const names = [...TINY_SPECIAL_TOKENS, ...TAGS].map((name) => name.replace(/[|]/g, "\\|"));
  const added = new RegExp(names.join("|"));
  const counts = new Map<string, number>();
  for (const text of corpus) {
    const pieces = text
      .normalize("NFC")
      .split(added)
      .filter((piece) => piece !== "");
    for (const word of pieces.flatMap((piece) => splitter?.pre_tokenize(piece) ?? [])) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

/** Learns a vocabulary of 640 tokens (fewer when the corpus is small). Returns a `tokenizer.json`. */
export function trainTinyTokenizer(corpus: Iterable<string>) {
  const added = TINY_SPECIAL_TOKENS.length + TAGS.length;
  const room = TINY_VOCABULARY_SIZE - BYTE_CHARACTERS.length - added;
  const merges = trainMerges(countWords(corpus), room);
  // Two ways of merging may spell the same token; it has one id.
  const learnt = [...new Set([...BYTE_CHARACTERS, ...merges.map(([left, right]) => left + right)])];
  return tokenizerFile(
    learnt,
    merges.map(([left, right]) => `${left} ${right}`),
  );
}

function tokenizerConfig(added: readonly { readonly id: number; readonly content: string }[]) {
  return {
    add_bos_token: false,
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
    additional_special_tokens: TINY_SPECIAL_TOKENS.filter((name) => name !== "<|endoftext|>"),
    bos_token: null,
    clean_up_tokenization_spaces: false,
    eos_token: "<|im_end|>",
    errors: "replace",
    model_max_length: 2048,
    pad_token: "<|endoftext|>",
    processor_class: "Qwen2_5_VLProcessor",
    split_special_tokens: false,
    tokenizer_class: "Qwen2Tokenizer",
    unk_token: null,
  };
}

/** Small images in, at most 64 tokens each. */
const PREPROCESSOR_CONFIG = {
  do_convert_rgb: true,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_processor_type: "Qwen2VLImageProcessor",
  image_std: [0.26862954, 0.26130258, 0.27577711],
  max_pixels: 224 * 224,
  merge_size: 2,
  min_pixels: 56 * 56,
  patch_size: 14,
  processor_class: "Qwen2_5_VLProcessor",
  resample: 3,
  rescale_factor: 1 / 255,
  temporal_patch_size: 2,
};

/**
 * Learns the vocabulary and writes `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`,
 * `preprocessor_config.json` and `generation_config.json`. The same corpus writes the same bytes.
 * @returns the ids of the special tokens, and how many tokens there are
 */
export async function writeTinyTokenizer(
  dir: string,
  corpus: Iterable<string>,
): Promise<{ readonly size: number; readonly ids: Readonly<Record<string, number>> }> {
  const tokenizer = trainTinyTokenizer(corpus);
  const ids = Object.fromEntries(tokenizer.added_tokens.map(({ content, id }) => [content, id]));
  const generation = {
    bos_token_id: ids["<|endoftext|>"],
    eos_token_id: [ids["<|im_end|>"], ids["<|endoftext|>"]],
    pad_token_id: ids["<|endoftext|>"],
  };
  await makeFolder(dir);
  const write = (name: string, json: object) =>
    writeFileAtomic(join(dir, name), `${JSON.stringify(json, null, 2)}\n`);
  await write("tokenizer.json", tokenizer);
  await write("tokenizer_config.json", tokenizerConfig(tokenizer.added_tokens));
  await write("preprocessor_config.json", PREPROCESSOR_CONFIG);
  await write("generation_config.json", generation);
  await writeFileAtomic(join(dir, "chat_template.jinja"), CHAT_TEMPLATE);
  return { size: Object.keys(tokenizer.model.vocab).length + tokenizer.added_tokens.length, ids };
}
