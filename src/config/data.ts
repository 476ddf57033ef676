/**
 * @module Settings of the questions a run trains on: drawn scenes, or data files.
 *
 * Source of the names: EasyR1's `data` section, in this project's spelling (`prompt_key` is `promptKey`).
 */
import { z } from "zod";

/** What a drawn question's own words are: any of the family's wordings alike, or always its first; the others are rewrites. */
export const OWN_WORDINGS = ["any", "common"] as const;
export type OwnWording = (typeof OWN_WORDINGS)[number];

const pixels = z.int().positive().nullable().default(null);
const column = z.string();

export const dataSchema = z
  .strictObject({
    kind: z
      .enum(["scenes", "files"])
      .default("scenes")
      .describe("scenes: drawn from the seed; files: read from `path`"),
    families: z.array(z.string()).default([]).describe("scenes: families to draw from; empty: all"),
    wording: z
      .enum(OWN_WORDINGS)
      .default("any")
      .describe("scenes: a question's own words: any of its family's wordings, or always the common one"),
    path: z
      .string()
      .default("")
      .describe(
        "files: a Parquet or JSONL file, a folder, or owner/name on a hub; `…@split` chooses a split",
      ),
    validation: z
      .string()
      .default("")
      .describe("files: held-out questions, written like `path`; empty: no evaluation"),
    promptKey: column
      .default("problem")
      .describe("column of the question, with one <image> marker per image; code"),
    answerKey: column.default("answer").describe("column of the answer; code"),
    imageKey: column
      .default("images")
      .describe("column of the images: bytes, {bytes, path}, base64, data URL, path, or a list; code"),
    rewritesKey: column
      .default("new_questions")
      .describe("column of the rewrites: a list, or text that encodes one; code"),
    idKey: column.default("idx").describe("column that names a row; rows without it are numbered"),
    categoryKey: column.default("category").describe("column of a question's kind, for reports"),
    imageDir: z
      .string()
      .default("")
      .describe("folder that image paths start from and stay in; empty: the data file's own"),
    minPixels: pixels.describe(
      "smaller images are enlarged when read; code 262144; null: the model's own limit",
    ),
    maxPixels: pixels.describe(
      "larger images are shrunk when read; code 1048576; null: the model's own limit",
    ),
    maxPromptLength: z
      .int()
      .positive()
      .default(2048)
      .describe("tokens, image and format prompt included; code"),
    filterOverlongPrompts: z
      .boolean()
      .default(true)
      .describe("leave out questions longer than maxPromptLength; false: refuse the data"),
    check: z
      .enum(["pixels", "headers"])
      .default("pixels")
      .describe("images before the first step: decode each once, which finds cut-off files, or read headers"),
    badRows: z
      .enum(["refuse", "skip"])
      .default("refuse")
      .describe("rows that cannot be used: stop and list them, or leave them out"),
  })
  .refine((data) => data.kind !== "files" || data.path !== "", {
    message: "missing: kind files needs a file, a folder, or owner/name on a hub",
    path: ["path"],
  })
  .refine((data) => data.kind === "files" || (data.path === "" && data.validation === ""), {
    message: "path and validation are read with data.kind=files only",
    path: ["kind"],
  })
  .refine((data) => (data.minPixels ?? 0) <= (data.maxPixels ?? Number.POSITIVE_INFINITY), {
    message: "minPixels is above maxPixels",
    path: ["minPixels"],
  });

export type DataConfig = z.output<typeof dataSchema>;
