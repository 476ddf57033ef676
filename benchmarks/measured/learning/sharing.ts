/**
 * @module When does sharing help? GRPO, GRPO on augmented data, and Share-GRPO without cross pairs, without the local
 * term, and whole, from a policy that was warmed up on all wordings alike and from one that knows few; at equal responses
 * and optimizer steps, and once more for the baselines at equal processor time.
 *
 * Pre-registered in docs/LOG.md. Every run is kept and never repeated; tables are written after every run, and are called
 * partial until every seed of every arm is there.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { presetInput, resolveConfig, withOverride } from "../../../src/config/load.js";
import { BenchmarkError } from "../../../src/core/errors.js";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { whileHolding } from "../../../src/core/files/folderLock.js";
import { mean } from "../../../src/core/stats.js";
import { GLOBAL, GRPO, GRPO_AUGMENTED, SHARE, SHARE_GLOBAL, share } from "./arms.js";
import { COMMON_WORDS, countedOnce, POLICIES, type PolicyName, policyModel } from "./policies.js";
import { type Arm, accuracyOf, finishedRun, folderOf, newestModel } from "./runs.js";
import { type ArmSeed, type SharingDocument, sharingMarkdown } from "./sharingTable.js";
import { type CountedPolicy, FORECAST, forecastOf, type VariantsDocument } from "./variants.js";

/** What a Share-GRPO step takes beside a GRPO step with as many responses (m = 2, n = 6; `bench speed`). */
const TIME_OF_SHARING = 1.5;

const SHARE_OWN = share("share-own", "Share-GRPO without cross pairs", GLOBAL, "advantage.crossWeight=0");

/** Arms at equal responses and optimizer steps. The last is held against the others. */
export const SHARING_ARMS: readonly Arm[] = [
  { ...GRPO, name: "GRPO" },
  { ...GRPO_AUGMENTED, name: "GRPO, augmented data" },
  SHARE_OWN,
  { ...SHARE_GLOBAL, name: "Share-GRPO without the local term" },
  { ...SHARE, name: "Share-GRPO" },
];

/** The baselines with as many steps more as sharing takes longer. */
function longer(arm: Arm, settings: readonly string[]): Arm {
  const { steps } = resolveConfig(settings.reduce(withOverride, presetInput(arm.preset)), arm.id).train;
  return {
    ...arm,
    id: `${arm.id}-time`,
    name: `${arm.name}, equal time`,
    settings: [...arm.settings, `train.steps=${Math.round(TIME_OF_SHARING * steps)}`],
  };
}

export interface SharingOptions {
  readonly policies: readonly PolicyName[];
  readonly seeds: readonly number[];
  /** How many seeds the pre-registration asks for: with fewer the tables are called partial. */
  readonly registeredSeeds: number;
  readonly runs: string;
  readonly results: string;
  /** Held-out questions that are asked in all variants after training. */
  readonly questions: number;
  /** Training questions that the predictions are counted from. */
  readonly forecast: number;
  /** Whether the baselines run once more at equal processor time. */
  readonly isEqualTime: boolean;
  /** `key=value` settings for every run. */
  readonly settings: readonly string[];
  readonly print: (text: string) => void;
}

/** Greedy answers to all variants of held-out questions. */
function askedAfter(file: string, model: string, questions: number): Promise<VariantsDocument> {
  const asked = ["--questions", String(questions), "--heldout", "--greedy"];
  return countedOnce<VariantsDocument>(file, ["scenes", COMMON_WORDS, "--model", model, ...asked]);
}

async function armSeed(
  arm: Arm,
  seed: number,
  policy: PolicyName,
  { runs, questions, settings }: SharingOptions,
): Promise<ArmSeed> {
  const model = await policyModel(policy, runs);
  const settled = {
    ...arm,
    settings: [`model=${model}`, COMMON_WORDS, "train.keepCheckpoints=1", ...settings, ...arm.settings],
  };
  const own = join(runs, policy);
  const { before, after, steps } = await finishedRun(settled, seed, own);
  const folder = folderOf(settled, seed, own);
  const asked = await askedAfter(join(folder, "variants.json"), await newestModel(folder), questions);
  const valid = steps.map((step) => step["advantage/valid_share_pooled"] ?? Number.NaN);
  return {
    ...{ policy, arm: arm.id, name: arm.name, seed },
    before: accuracyOf(before),
    outcomes: {
      original: accuracyOf(after),
      variants: asked.success.variants,
      consistency: asked.consistency,
      valid: mean(valid),
    },
    early: mean(valid.slice(0, EARLY_STEPS)),
  };
}

/** In what these options are not the registered experiment. */
export function departuresOf({
  policies,
  questions,
  isEqualTime,
  settings,
}: Pick<SharingOptions, "policies" | "questions" | "isEqualTime" | "settings">): string[] {
  return [
    ...POLICIES.filter((policy) => !policies.includes(policy)).map((policy) => `without policy ${policy}`),
    ...(isEqualTime ? [] : ["without the baselines at equal time"]),
    ...(questions === REGISTERED_QUESTIONS ? [] : [`${questions} questions in all variants`]),
    ...settings,
  ];
}

/** Held-out questions that are asked in all variants after training. */
export const REGISTERED_QUESTIONS = 110;

/** Steps over which the untrained policy's forecast is held against what training saw. */
const EARLY_STEPS = 4;

/** What an earlier call has found for the same experiment, wherever its runs were: never repeated. */
async function keptRuns(file: string, departures: readonly string[]): Promise<readonly ArmSeed[]> {
  if (!existsSync(file)) return [];
  const kept = JSON.parse(await readFile(file, "utf8")) as SharingDocument;
  // Seeds, policies and arms may come in several calls; questions and settings are the experiment.
  const own = (each: string) => !each.startsWith("without ");
  if (kept.departures.filter(own).join() === departures.filter(own).join()) return kept.done;
  throw new BenchmarkError(`${file}: holds another experiment (${kept.command}): name another --out`);
}

async function writeTables(results: string, document: SharingDocument): Promise<void> {
  await writeFileAtomic(join(results, "sharing.json"), `${JSON.stringify(document, undefined, 1)}\n`);
  await writeFileAtomic(join(results, "sharing.md"), sharingMarkdown(document));
}

/** Runs what is missing, seed by seed, and writes `sharing.json` and `sharing.md` after every run. */
export function benchSharing(options: SharingOptions): Promise<SharingDocument> {
  return whileHolding(options.runs, "bench sharing", () => runAndWrite(options));
}

async function runAndWrite(options: SharingOptions): Promise<SharingDocument> {
  const { policies, seeds, settings, results, isEqualTime, print } = options;
  if (policies.length === 0 || seeds.length === 0)
    throw new BenchmarkError("sharing: nothing to run: name a policy and a seed");
  await makeFolder(results);
  const baselines = isEqualTime ? SHARING_ARMS.slice(0, 2).map((arm) => longer(arm, settings)) : [];
  const arms = [...SHARING_ARMS, ...baselines];
  const command = [
    `npm run bench -- sharing --policies ${policies.join(",")} --seeds ${seeds.join(",")}`,
    ...[
      `--questions ${options.questions} --forecast ${options.forecast}`,
      ...(isEqualTime ? [] : ["--no-equal-time"]),
      ...settings,
    ],
  ].join(" ");
  const forecasts: CountedPolicy[] = [];
  for (const policy of policies)
    forecasts.push(
      await forecastOf(policy, { ...FORECAST, questions: options.forecast, runs: options.runs }),
    );
  const departures = departuresOf(options);
  const kept = await keptRuns(join(results, "sharing.json"), departures);
  let document: SharingDocument = {
    ...{ command, forecasts, departures, done: kept, registeredSeeds: options.registeredSeeds },
    arms: arms.map(({ id, name }) => ({ id, name })),
  };
  // Forecasts and arms of this call, also where no run is missing.
  if (kept.length > 0) await writeTables(results, document);
  for (const seed of seeds) {
    for (const policy of policies) {
      for (const arm of arms) {
        if (kept.some((each) => each.arm === arm.id && each.seed === seed && each.policy === policy))
          continue;
        const done = await armSeed(arm, seed, policy, options);
        document = { ...document, done: [...document.done, done] };
        await writeTables(results, document);
        const { original, variants } = done.outcomes;
        const percent = (value: number) => (100 * value).toFixed(1);
        print(
          `${policy}, ${arm.name}, seed ${seed}: ${percent(original)} % as asked, ${percent(variants)} % of all variants`,
        );
      }
    }
  }
  return document;
}
