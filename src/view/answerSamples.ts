/**
 * @module The answers of an evaluation to one dataset as samples: `predictions/`, `verdicts/` and `rows/` of its folder,
 * joined by a row's index. Where a second evaluation is given, its answers stand beside the first one's.
 */
import { join } from "node:path";
import { z } from "zod";
import { createLineIndex, type IndexedLine, type LineIndex } from "./lineIndex.js";
import type { AnswerDetail, Mark, SampleLine } from "./records.js";
import { titleOf } from "./rolloutSamples.js";
import type { SampleSet } from "./samples.js";

const predictionSchema = z.object({
  index: z.string(),
  sample: z.number(),
  prediction: z.string(),
  thinking: z.string().exactOptional(),
  status: z.string(),
  error: z.string().exactOptional(),
  tokens: z.number().nullable(),
});
const verdictSchema = z.object({ outcome: z.string(), extracted: z.string().nullable(), rule: z.string() });
const verdictLineSchema = z.object({
  index: z.string(),
  sample: z.number(),
  cluster: z.string(),
  fixed: verdictSchema.exactOptional(),
  compatible: verdictSchema.exactOptional(),
});
const rowSchema = z.object({
  index: z.string(),
  category: z.string(),
  question: z.string(),
  gold: z.string(),
  images: z.array(z.string()),
});

const keyOf = ({ index, sample }: { readonly index: string; readonly sample: number }) =>
  `${sample} ${index}`;

type Places<About> = ReadonlyMap<string, { readonly at: number; readonly line: IndexedLine<About> }>;

/** The last line of each key, by key; made anew when the file has grown. */
function byKey<About>(index: LineIndex<About>, key: (about: About) => string): () => Places<About> {
  let made: { readonly version: string; readonly places: Places<About> } | undefined;
  return () => {
    const version = `${index.generation}.${index.lines.length}`;
    if (made?.version !== version) {
      const places = new Map(index.lines.map((line, at) => [key(line.about), { at, line }]));
      made = { version, places };
    }
    return made.places;
  };
}

/** What the mended rules say; the others where these say nothing. */
function outcomeOf({ fixed, compatible }: z.output<typeof verdictLineSchema>) {
  return fixed ?? compatible;
}

/** One evaluation's files of one dataset. */
function openAnswers(dir: string, dataset: string) {
  const file = (folder: string) => join(dir, folder, `${dataset}.jsonl`);
  const predictions = createLineIndex(file("predictions"), (row) => {
    const read = predictionSchema.safeParse(row).data;
    return read && { index: read.index, sample: read.sample, status: read.status };
  });
  const verdicts = createLineIndex(file("verdicts"), (row) => {
    const read = verdictLineSchema.safeParse(row).data;
    const verdict = read && outcomeOf(read);
    if (!read || !verdict) return undefined;
    return { index: read.index, sample: read.sample, cluster: read.cluster, ...verdict };
  });
  const rows = createLineIndex(file("rows"), (row) => {
    const read = rowSchema.safeParse(row).data;
    return (
      read && { index: read.index, category: read.category, gold: read.gold, title: titleOf(read.question) }
    );
  });
  const all = [predictions, verdicts, rows];
  return {
    predictions,
    verdicts,
    rows,
    predictionOf: byKey(predictions, keyOf),
    verdictOf: byKey(verdicts, keyOf),
    rowOf: byKey(rows, ({ index }) => index),
    version: () => all.map(({ generation, lines }) => `${generation}.${lines.length}`).join("-"),
    known: () => Math.min(...all.map(({ known }) => known)),
    refresh: async () => {
      await Promise.all(all.map((each) => each.refresh()));
    },
  };
}
type Answers = ReturnType<typeof openAnswers>;

/** Outcomes by key, for comparing. */
export function outcomesOf({
  verdicts,
}: Answers): ReadonlyMap<string, { isCorrect: boolean; cluster: string }> {
  return new Map(
    verdicts.lines.map(({ about }) => [
      keyOf(about),
      { isCorrect: about.outcome === "correct", cluster: about.cluster },
    ]),
  );
}

/** Which rows an evaluation got right. */
export async function readOutcomes(dir: string, dataset: string): Promise<ReturnType<typeof outcomesOf>> {
  const answers = openAnswers(dir, dataset);
  await answers.verdicts.refresh();
  return outcomesOf(answers);
}

function marksFrom(status: string, outcome: string | undefined, differs: boolean): Mark[] {
  const isWrong = outcome !== undefined && outcome !== "correct";
  const marks: readonly (readonly [Mark, boolean])[] = [
    ["correct", outcome === "correct"],
    ["wrong", isWrong],
    ["truncated", status === "truncated"],
    ["unparsed", outcome === "unparsed"],
    ["failed", status === "failed"],
    ["differs", differs],
  ];
  return marks.flatMap(([mark, carries]) => (carries ? [mark] : []));
}

/** One line a row and sample, the last prediction of each counting. */
function joinLines(own: Answers, other: Answers | undefined): SampleLine[] {
  const verdicts = own.verdictOf();
  const rows = own.rowOf();
  const others = other && outcomesOf(other);
  return [...own.predictionOf()].map(([key, { at, line }]) => {
    const { index, sample, status } = line.about;
    const verdict = verdicts.get(key)?.line.about;
    const row = rows.get(index)?.line.about;
    const isCorrect = verdict?.outcome === "correct";
    const unread = verdict && status === "finished" ? "nothing read" : status;
    const there = others?.get(key);
    const differs = verdict !== undefined && there !== undefined && there.isCorrect !== isCorrect;
    return {
      at,
      title: row?.title ?? `row ${index}`,
      category: row?.category ?? "",
      gold: row?.gold ?? "",
      note: `${sample > 0 ? `sample ${sample + 1}: ` : ""}${verdict?.extracted ?? unread}`,
      marks: marksFrom(status, verdict?.outcome, differs),
    };
  });
}

async function readAnswer(answers: Answers, key: string, model: string): Promise<AnswerDetail | undefined> {
  const place = answers.predictionOf().get(key);
  const read = place && predictionSchema.safeParse(await answers.predictions.read(place.at)).data;
  if (!read) return undefined;
  const { index: _, sample: __, ...answer } = read;
  const verdictAt = answers.verdictOf().get(key)?.at;
  const line = verdictLineSchema.safeParse(await answers.verdicts.read(verdictAt ?? -1)).data;
  const verdicts = Object.fromEntries(
    (["fixed", "compatible"] as const).flatMap((mode) => (line?.[mode] ? [[mode, line[mode]]] : [])),
  );
  return { model, ...answer, verdicts };
}

export interface AnswerSource {
  readonly dir: string;
  readonly model: string;
}

/** @param other an evaluation whose answers are shown beside, and may differ */
export function answerSamples(dataset: string, own: AnswerSource, other?: AnswerSource): SampleSet {
  const mine = openAnswers(own.dir, dataset);
  const theirs = other && openAnswers(other.dir, dataset);
  let joined: { readonly version: string; readonly lines: SampleLine[] } | undefined;
  const version = () => `${mine.version()}/${theirs?.version() ?? ""}`;
  return {
    get lines() {
      if (joined?.version !== version()) joined = { version: version(), lines: joinLines(mine, theirs) };
      return joined.lines;
    },
    get known() {
      return Math.min(mine.known(), theirs?.known() ?? 1);
    },
    get version() {
      return version();
    },
    refresh: async () => {
      await Promise.all([mine.refresh(), theirs?.refresh()]);
    },
    async read(at) {
      const about = mine.predictions.lines[at]?.about;
      if (!about) return undefined;
      const rowAt = mine.rowOf().get(about.index)?.at;
      const row = rowSchema.safeParse(await mine.rows.read(rowAt ?? -1)).data;
      const answers = await Promise.all([
        readAnswer(mine, keyOf(about), own.model),
        ...(theirs && other ? [readAnswer(theirs, keyOf(about), other.model)] : []),
      ]);
      const unknown = { category: "", question: "", gold: "", images: [] };
      return {
        kind: "answer",
        ...(row ?? unknown),
        index: about.index,
        answers: answers.filter((answer) => answer !== undefined),
      };
    },
    async search(among, words) {
      const inAnswers = new Set(await mine.predictions.search(among, words));
      const rowOfIndex = mine.rowOf();
      const places = mine.rows.lines.map((_, at) => at);
      const inRows = new Set(await mine.rows.search(places, words));
      return among.filter((at) => {
        const index = mine.predictions.lines[at]?.about.index ?? "";
        return inAnswers.has(at) || inRows.has(rowOfIndex.get(index)?.at ?? -1);
      });
    },
  };
}
