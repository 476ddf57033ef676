/**
 * @module Questions of data files: looked at once from end to end, then read one by one, images decoded when needed.
 */
import pLimit from "p-limit";
import { DataError } from "../core/errors.js";
import { fileState } from "../core/files/fileState.js";
import { listed } from "../core/listed.js";
import type { Question } from "../records.js";
import { readText } from "./cells.js";
import { isUntouched, type KeptSet } from "./keptQuestions.js";
import { fitImage } from "./pixels.js";
import { type QuestionKeys, readQuestion } from "./question.js";
import { changedParts, contentOf } from "./rowContent.js";
import type { RowFile } from "./rowFile.js";
import type { SeenFile } from "./rowImages.js";
import { describeBadRows, type RowFacts, rowId, type Survey, type SurveyOptions, survey } from "./survey.js";

/** Usable questions in the order of their files. */
export interface Dataset {
  readonly count: number;
  /** All that decides what is asked and in which order: a resumed run must find the same. */
  readonly kept: KeptSet;
  readonly survey: Survey;
  /** What was left out and why, in sentences. */
  readonly notes: readonly string[];
  /** Question `index`, read from its file. */
  question(index: number): Promise<Question>;
  /** All questions in order, words and answers only: quicker than one by one. */
  all(): AsyncIterable<Question>;
}

export interface DatasetOptions extends SurveyOptions {
  /** What becomes of rows that cannot be used: an error that lists them, or a note. */
  readonly badRows: "refuse" | "skip";
  /** Leaves out questions that do not fit the prompt limit; else they are an error. */
  readonly filterOverlongPrompts: boolean;
  /** As an earlier run of the same settings found it: taken as it is when no file has been written since. */
  readonly known?: KeptSet;
}

/** A step asks for all its questions at once; so many decoded images are in memory. */
const DECODED_AT_ONCE = 4;

const shareOf = (count: number, total: number) => `${count} of ${total} rows`;

function refuseBadRows({ bad, rows }: Survey): void {
  const lines = describeBadRows(bad).join("\n");
  const advice = "repair them, or leave them out with data.badRows=skip";
  throw new DataError(`${shareOf(bad.length, rows)} cannot be used; ${advice}:\n${lines}`);
}

function refuseOverlong(overlong: readonly RowFacts[], { rows }: Survey, { prompt }: DatasetOptions): void {
  const limit = `data.maxPromptLength=${prompt?.maxPromptLength}`;
  const ids = listed(overlong.map(({ id }) => id));
  const advice = "raise it, lower data.maxPixels, or leave them out with data.filterOverlongPrompts=true";
  throw new DataError(
    `${shareOf(overlong.length, rows)} are longer than ${limit} tokens: ids ${ids}; ${advice}`,
  );
}

/** Rows that stay, and what is said about the others. */
function choose(found: Survey, options: DatasetOptions): { facts: readonly RowFacts[]; notes: string[] } {
  const notes: string[] = [];
  if (found.bad.length > 0 && options.badRows === "refuse") refuseBadRows(found);
  if (found.bad.length > 0) {
    notes.push(
      `left out ${shareOf(found.bad.length, found.rows)} that cannot be used:\n${describeBadRows(found.bad).join("\n")}`,
    );
  }
  const overlong = found.kept.filter(({ isOverlong }) => isOverlong);
  if (overlong.length > 0 && !options.filterOverlongPrompts) refuseOverlong(overlong, found, options);
  if (overlong.length > 0) {
    const limit = options.prompt?.maxPromptLength;
    notes.push(`left out ${shareOf(overlong.length, found.rows)} with prompts longer than ${limit} tokens`);
  }
  const unusable = found.kept.reduce((sum, { unusableRewrites }) => sum + unusableRewrites, 0);
  if (unusable > 0)
    notes.push(
      `left out ${unusable} rewrites that are empty or have other image markers than their question`,
    );
  return { facts: found.kept.filter(({ isOverlong }) => !isOverlong), notes };
}

/** The survey of files that have one already. */
function surveyAgain(files: readonly RowFile[], { rows }: KeptSet): Survey {
  const count = files.reduce((sum, file) => sum + file.count, 0);
  const largestReadBytes = files.reduce((most, file) => Math.max(most, file.largestReadBytes), 0);
  return { paths: files.map(({ path }) => path), rows: count, kept: rows, bad: [], largestReadBytes };
}

async function statesOf(files: readonly RowFile[]): Promise<SeenFile[]> {
  return Promise.all(files.map(async ({ path }) => ({ path, state: (await fileState(path)) ?? "" })));
}

/**
 * Checks the files and makes their questions available.
 * @throws DataError listing bad rows, or when nothing is left
 */
export async function openDataset(files: readonly RowFile[], options: DatasetOptions): Promise<Dataset> {
  const { known } = options;
  const states = await statesOf(files);
  const isKnown = known !== undefined && (await isUntouched(known, states));
  const found = isKnown ? surveyAgain(files, known) : await survey(files, options);
  const { facts, notes } = choose(found, options);
  if (facts.length === 0)
    throw new DataError(`${found.paths.join(", ")}: no usable question in ${found.rows} rows`);
  const fitting = pLimit(DECODED_AT_ONCE);
  return {
    count: facts.length,
    kept: { files: states, rows: facts },
    survey: found,
    notes,
    all: () => allWords(files, facts, options.keys),
    async question(index) {
      const at = facts[index];
      const file = files[at?.file ?? -1];
      if (!at || !file) throw new DataError(`question ${index}: there are ${facts.length}`);
      const question = await readAgain(file, at, options);
      const where = `${file.path}: ${file.placeOf(at.row)}`;
      const images = await Promise.all(
        question.images.map((one) => fitting(() => fitImage(one, options.limits, where))),
      );
      return { ...question, images };
    },
  };
}

/** @throws DataError when the row is not what it was when it was looked at */
async function readAgain(file: RowFile, at: RowFacts, options: DatasetOptions): Promise<Question> {
  const place = {
    keys: options.keys,
    imageDir: options.imageDirOf(file),
    fallbackId: rowId(at.file, at.row),
  };
  const read = readQuestion(await file.read(at.row), place);
  const isSame = "question" in read && read.question.id === at.id;
  const parts = isSame ? changedParts(at.content, await contentOf(read.question)) : ["another row"];
  if (isSame && parts.length === 0) return read.question;
  throw new DataError(
    `${file.path}: ${file.placeOf(at.row)}: changed since the run began: ${parts.join("; ")}: start the run again with the file as it is`,
  );
}

async function* allWords(
  files: readonly RowFile[],
  facts: readonly RowFacts[],
  keys: QuestionKeys,
): AsyncGenerator<Question> {
  const idOf = new Map(facts.map(({ file, row, id }) => [rowId(file, row), id]));
  for (const [fileIndex, file] of files.entries()) {
    const columns = file.columns.filter((name) => name !== keys.imageKey);
    for await (const scanned of file.scan(columns)) {
      const id = idOf.get(rowId(fileIndex, scanned.row));
      if (id === undefined || !("cells" in scanned)) continue;
      const { [keys.imageKey]: _images, ...cells } = scanned.cells;
      const cell = (key: string) => readText(cells[key]);
      const [text = "", gold = "", category = "all"] = [keys.promptKey, keys.answerKey, keys.categoryKey].map(
        cell,
      );
      yield { id, text, gold, category, images: [], rewrites: [], columns: cells };
    }
  }
}
