/**
 * @module The questions that a run began with, kept beside it: what each row asks, and how its files stood. A resumed run
 * compares, and where no file has changed it need not read the data set again.
 *
 * JSON Lines: for each set a line with its data files, then a line for each of its rows in their order.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { CheckpointError, messageOf } from "../core/errors.js";
import { writeFileAtomic } from "../core/files/atomic.js";
import { canonicalJson } from "../core/files/digest.js";
import { fileState } from "../core/files/fileState.js";
import { readJsonl } from "../core/files/jsonl.js";
import { listed } from "../core/listed.js";
import { changedParts } from "./rowContent.js";
import type { SeenFile } from "./rowImages.js";
import type { RowFacts } from "./survey.js";

/** Questions of data files. */
export interface KeptSet {
  readonly files: readonly SeenFile[];
  /** Those that are asked, in their order. */
  readonly rows: readonly RowFacts[];
}

export type SetName = "train" | "heldout";
export type KeptQuestions = Readonly<Partial<Record<SetName, KeptSet>>>;

const SET_NAMES = ["train", "heldout"] as const satisfies readonly SetName[];

const seenFile = z.strictObject({ path: z.string(), state: z.string() });
const headSchema = z.strictObject({ set: z.enum(SET_NAMES), files: z.array(seenFile) });
const rowSchema = z.strictObject({
  file: z.int(),
  row: z.int(),
  place: z.string(),
  id: z.string(),
  content: z.strictObject({ question: z.string(), images: z.string(), rewrites: z.string() }),
  sizes: z.array(z.strictObject({ width: z.int(), height: z.int() })),
  imageFiles: z.array(seenFile).optional(),
  rewrites: z.int(),
  unusableRewrites: z.int(),
  promptTokens: z.number().optional(),
  isOverlong: z.boolean(),
});

function textOf(kept: KeptQuestions): string {
  const lines = SET_NAMES.flatMap((set) => {
    const found = kept[set];
    return found ? [{ set, files: found.files }, ...found.rows] : [];
  });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Writes the file, unless it says the same. @throws CheckpointError when it cannot be written */
export async function writeKept(path: string, kept: KeptQuestions): Promise<void> {
  const text = textOf(kept);
  const present = await readFile(path, "utf8").catch(() => undefined);
  if (present !== text) await writeFileAtomic(path, text);
}

/**
 * @returns undefined where there is no such file
 * @throws CheckpointError when it is damaged
 */
export async function readKept(path: string): Promise<KeptQuestions | undefined> {
  if ((await fileState(path)) === undefined) return undefined;
  const sets: Partial<Record<SetName, { files: SeenFile[]; rows: RowFacts[] }>> = {};
  let rows: RowFacts[] | undefined;
  try {
    for (const record of (await readJsonl(path)).records) {
      if ("set" in record) {
        const { set, files } = headSchema.parse(record);
        rows = [];
        sets[set] = { files, rows };
      } else rows?.push(rowSchema.parse(record) as RowFacts);
    }
  } catch (cause) {
    const advice = "bring the file back, or start anew in another --out";
    const what = messageOf(cause).replace(`${path}: `, "");
    throw new CheckpointError(`${path}: damaged: ${what}; ${advice}`, { cause });
  }
  return sets;
}

/** Whether a set is in these very files, and neither they nor its images have been written since. */
export async function isUntouched(set: KeptSet, files: readonly SeenFile[]): Promise<boolean> {
  if (canonicalJson(set.files) !== canonicalJson(files)) return false;
  const seen = new Map<string, string>();
  for (const { path, state } of set.rows.flatMap(({ imageFiles = [] }) => imageFiles)) {
    if ((seen.get(path) ?? state) !== state) return false;
    seen.set(path, state);
  }
  for (const [path, state] of seen) if ((await fileState(path)) !== state) return false;
  return true;
}

const MOST_SHOWN = 20;
const whereOf = ({ files }: KeptSet, { file, place }: RowFacts) => `${files[file]?.path ?? "?"}: ${place}`;

function changesOf(name: string, before: KeptSet, now: KeptSet): string[] {
  const idOf = ({ id }: RowFacts) => id;
  const known = new Map(before.rows.map((row) => [row.id, row]));
  const present = new Set(now.rows.map(idOf));
  const changed = now.rows.flatMap((row) => {
    const old = known.get(row.id);
    const parts = old ? changedParts(old.content, row.content) : [];
    return parts.length > 0 ? [`  ${whereOf(now, row)}: id ${row.id}: ${parts.join("; ")}`] : [];
  });
  const missing = before.rows.filter(({ id }) => !present.has(id)).map(idOf);
  const added = now.rows.filter(({ id }) => !known.has(id)).map(idOf);
  const isReordered = now.rows.some(({ id }, at) => id !== before.rows[at]?.id);
  const of = `of ${before.rows.length} ${name} questions`;
  const lines = [
    ...(missing.length > 0 ? [`${missing.length} ${of} are missing: ids ${listed(missing)}`] : []),
    ...(added.length > 0 ? [`${added.length} ${name} questions are new: ids ${listed(added)}`] : []),
    ...(changed.length > 0 ? [`${changed.length} ${of} have changed:`, ...changed.slice(0, MOST_SHOWN)] : []),
    ...(changed.length > MOST_SHOWN ? [`  … and ${changed.length - MOST_SHOWN} more`] : []),
  ];
  if (lines.length > 0) return lines;
  return isReordered ? [`the ${name} questions are in another order`] : [];
}

const NOTHING: KeptSet = { files: [], rows: [] };

/** What is asked now and was not, or otherwise, a line each; empty where the same is asked. */
export function changesSince(before: KeptQuestions, now: KeptQuestions): string[] {
  const names: Readonly<Record<SetName, string>> = { train: "training", heldout: "held-out" };
  return SET_NAMES.flatMap((set) => changesOf(names[set], before[set] ?? NOTHING, now[set] ?? NOTHING));
}
