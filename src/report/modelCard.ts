/**
 * @module The card of a trained model: `README.md` as model hubs read it, with what it was made of and what it came to.
 */
import { stringify } from "yaml";
import { writeFileAtomic } from "../core/files/atomic.js";
import { wilson } from "../core/stats.js";
import { benchmarkTable } from "./benchmarkScores.js";
import { type Run, readRunHead } from "./run.js";
import { evaluationTable, formatMarkdownTable, formatNumber, type Table } from "./table.js";

type Head = Omit<Run, "rollouts">;

const METHODS: Readonly<Record<string, string>> = {
  "share-grpo":
    "Share-GRPO: each question is asked in several ways, rewards are pooled over all responses to it, and every response is learnt from under every variant's prompt",
  grpo: "GRPO: responses to a question are compared with each other",
};

/** Settings that decide what was done. */
const SETTINGS = [
  "mode",
  "update.algorithm",
  "update.loss",
  "expand.variants",
  "rollout.responses",
  "rollout.temperature",
  "rollout.maxResponseLength",
  "train.questionsPerStep",
  "update.optimizerStepsPerRollout",
  "update.learningRate",
  "update.clipLow",
  "update.clipHigh",
  "kl.use",
  "reward.kind",
  "reward.grader",
  "data.kind",
  "data.path",
  "seed",
] as const;

/** `owner/name@commit` → its name and commit; a folder has neither. */
function baseOf(model: string): { readonly id: string; readonly commit: string } | undefined {
  const [, id, commit] = /^([\w.-]+\/[\w.-]+)@([0-9a-f]{40})$/.exec(model) ?? [];
  return id !== undefined && commit !== undefined ? { id, commit } : undefined;
}

/** What a hub's programs read: the facts, and scores with their names. */
function frontMatter({ settings, after }: Head): string {
  const base = baseOf(settings["model"] ?? "");
  const accuracy = after && wilson(after.correct, after.total);
  return stringify({
    library_name: "transformers",
    pipeline_tag: "image-text-to-text",
    ...(base ? { base_model: base.id, base_model_relation: "finetune" } : {}),
    tags: ["sharegrpo", settings["update.algorithm"] ?? "grpo", "reinforcement-learning"],
    ...(accuracy && Number.isFinite(accuracy.value)
      ? { metrics: ["accuracy"], held_out_accuracy: Number(accuracy.value.toFixed(4)) }
      : {}),
  });
}

function settingsTable({ settings }: Head): Table {
  const rows = SETTINGS.flatMap((name) => {
    const value = settings[name];
    return value === undefined || value === "" ? [] : [[name, value]];
  });
  return { head: ["setting", "value"], rows };
}

function scores({ before, after, benchmarks }: Head): string[] {
  const heldOut =
    before || after
      ? [
          "## Held-out questions",
          "Greedy decoding; in brackets 95 % Wilson intervals, in percent.",
          formatMarkdownTable(evaluationTable(before, after)),
        ]
      : [];
  const suites =
    benchmarks.before || benchmarks.after
      ? [
          "## Benchmarks",
          "By rules, no judge; rows marked “samples” are a few made-up questions in a benchmark's format.",
          formatMarkdownTable(benchmarkTable(benchmarks)),
        ]
      : [];
  return [...heldOut, ...suites];
}

/** The run as far as these weights know it: scores after later steps are other weights' scores. */
function upTo({ after, benchmarks, ...rest }: Head, step: number): Head {
  const isNewest = (rest.steps.at(-1)?.step ?? step) <= step;
  const { before } = benchmarks;
  return {
    ...rest,
    ...(after?.step === step ? { after } : {}),
    benchmarks: isNewest ? benchmarks : before ? { before } : {},
  };
}

/**
 * The text of a card.
 * @param whole what trained the model, without its rollouts
 * @param step the step that the weights are of
 */
export function modelCard(whole: Head, step: number): string {
  const run = upTo(whole, step);
  const { settings } = run;
  const algorithm = settings["update.algorithm"] ?? "";
  const base = baseOf(settings["model"] ?? "");
  const from = base
    ? `${base.id} at commit ${base.commit.slice(0, 12)}`
    : `the model \`${settings["model"] ?? ""}\``;
  const done = `${formatNumber(step)} of ${formatNumber(Number(settings["train.steps"] ?? Number.NaN))} steps`;
  return `${[
    `---\n${frontMatter(run)}---`,
    `# ${base ? `${base.id.split("/")[1]}, trained further` : "A vision-language model"} with ${algorithm}`,
    `Trained from ${from} with sharegrpo, ${done}. ${METHODS[algorithm] ?? algorithm}.`,
    ...scores(run),
    "## Settings",
    formatMarkdownTable(settingsTable(run)),
    "All of them, so that the run can be made again:",
    `\`\`\`yaml\n${run.configText.trimEnd()}\n\`\`\``,
  ].join("\n\n")}\n`;
}

/** Writes `README.md` into a model folder. @returns its path @throws CheckpointError when writing is refused */
export async function writeModelCard(runDir: string, step: number, folder: string): Promise<string> {
  const path = `${folder}/README.md`;
  await writeFileAtomic(path, modelCard(await readRunHead(runDir), step));
  return path;
}
