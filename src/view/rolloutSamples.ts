/**
 * @module The rollouts of a training as samples: `rollouts.jsonl`.
 */
import { join } from "node:path";
import type { ResponseRecord, RolloutRecord } from "../core/files/runRecords.js";
import { marksOf } from "../report/gallery.js";
import { rolloutRowSchema } from "../report/run.js";
import { createLineIndex } from "./lineIndex.js";
import type { Mark, SampleLine } from "./records.js";
import type { SampleSet } from "./samples.js";

const TITLE_LETTERS = 140;

const isRight = ({ reward }: ResponseRecord): boolean => reward.accuracy === 1;

/** The start of a text on one line; of a benchmark's prompt, the start of its question. */
export function titleOf(text: string): string {
  const [, question = text] = /^[\s\S]*?Question:([\s\S]*)$/.exec(text) ?? [];
  const line = question.replaceAll("<image>", "").replace(/\s+/g, " ").trim();
  return line.length <= TITLE_LETTERS ? line : `${line.slice(0, TITLE_LETTERS - 1)}…`;
}

/** Whether most responses of one variant are right and most of another wrong. */
function doVariantsDisagree({ variants, responses }: RolloutRecord): boolean {
  const shares = variants.flatMap(({ index }) => {
    const own = responses.filter(({ j }) => j === index);
    return own.length === 0 ? [] : [own.filter(isRight).length / own.length];
  });
  return shares.some((share) => share > 0.5) && shares.some((share) => share < 0.5);
}

/** The marks of a question with all its responses: one response is enough, but for `zero`, which is of the question. */
export function rolloutMarks(rollout: RolloutRecord): Mark[] {
  const { responses } = rollout;
  const each = responses.map((response) => ({ response, marks: marksOf(response) }));
  const has = (mark: string) => each.some(({ marks }) => marks.includes(mark));
  const marks: readonly (readonly [Mark, boolean])[] = [
    ["correct", responses.some(isRight)],
    ["wrong", has("wrong")],
    ["truncated", has("truncated")],
    ["unparsed", responses.some(({ extracted }) => "none" in extracted)],
    ["zero", responses.length > 0 && each.every(({ marks: own }) => own.includes("zero"))],
    ["disagree", doVariantsDisagree(rollout)],
  ];
  return marks.flatMap(([mark, carries]) => (carries ? [mark] : []));
}

function lineOf(row: unknown): Omit<SampleLine, "at"> | undefined {
  const rollout = rolloutRowSchema.safeParse(row).data;
  if (!rollout) return undefined;
  const { question, category, step, gold, responses } = rollout;
  const note = `${responses.filter(isRight).length} of ${responses.length} correct`;
  return { title: titleOf(question), category, step, gold, note, marks: rolloutMarks(rollout) };
}

export function rolloutSamples(dir: string): SampleSet {
  const index = createLineIndex(join(dir, "rollouts.jsonl"), lineOf);
  let lines: SampleLine[] = [];
  let generation = -1;
  const current = () => {
    if (generation !== index.generation) lines = [];
    generation = index.generation;
    for (let at = lines.length; at < index.lines.length; at++) {
      const about = index.lines[at]?.about;
      if (about) lines.push({ at, ...about });
    }
    return lines;
  };
  return {
    get lines() {
      return current();
    },
    get known() {
      return index.known;
    },
    get version() {
      return `${index.generation}-${index.lines.length}`;
    },
    refresh: () => index.refresh(),
    async read(at) {
      const rollout = rolloutRowSchema.safeParse(await index.read(at)).data;
      return rollout && { kind: "rollout", rollout };
    },
    search: (among, words) => index.search(among, words),
  };
}
