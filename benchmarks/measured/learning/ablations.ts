/**
 * @module The paper's ablations at our scale: components (Table 2), number of variants (Table 4), number of responses
 * (Table 5), and Share-GRPO against plain data augmentation (Table 6).
 *
 * Every arm starts from the bundled tiny policy and takes as many optimizer steps as the others; the questions asked
 * before and after are the same for all. Several arms serve more than one table and are run once.
 */
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { type Interval, wilson } from "../../../src/core/stats.js";
import { zip } from "../../../src/core/zip.js";
import { formatInterval, formatMarkdownTable } from "../../../src/report/table.js";
import { GLOBAL, GRPO, GRPO_AUGMENTED, grpo, IMAGES, REWRITES, SHARE, SHARE_GLOBAL, share } from "./arms.js";
import {
  type Arm,
  accuracyOf,
  finishedRun,
  meanOverSeeds,
  pairedBySeed,
  pointsOf,
  type SeedsOptions,
} from "./runs.js";

const NO_IMAGES = "expand.transformProbability=0";

/** A table of the paper: which arms it compares, and what the paper measured on MathVista (7B), in percent. */
interface AblationTable {
  readonly title: string;
  readonly arms: readonly { readonly arm: Arm; readonly label: string; readonly paper?: number }[];
}

export const TABLES: readonly AblationTable[] = [
  {
    title: "Table 2: components",
    arms: [
      { arm: GRPO, label: "GRPO", paper: 72.8 },
      {
        arm: share("share-text-global", "rewrites, global", NO_IMAGES, GLOBAL),
        label: "+ rewritten variants, global advantage",
        paper: 73.9,
      },
      {
        arm: SHARE_GLOBAL,
        label: "+ image transforms",
        paper: 74.8,
      },
      { arm: SHARE, label: "+ local advantage = Share-GRPO", paper: 75.4 },
    ],
  },
  {
    title: "Table 4: variants m, with n = 6",
    arms: [
      { arm: share("share-1x6", "Share-GRPO, m = 1", "expand.variants=1"), label: "m = 1" },
      { arm: SHARE, label: "m = 2", paper: 75.4 },
      { arm: share("share-3x6", "Share-GRPO, m = 3", "expand.variants=3"), label: "m = 3", paper: 75.6 },
      { arm: share("share-4x6", "Share-GRPO, m = 4", "expand.variants=4"), label: "m = 4", paper: 75.9 },
    ],
  },
  {
    title: "Table 5: responses per question N",
    arms: [
      { arm: grpo("grpo-6", "GRPO, N = 6", "rollout.responses=6"), label: "GRPO, N = 6", paper: 72.3 },
      { arm: GRPO, label: "GRPO, N = 12", paper: 72.8 },
      { arm: grpo("grpo-24", "GRPO, N = 24", "rollout.responses=24"), label: "GRPO, N = 24", paper: 73 },
      {
        arm: share("share-2x3", "Share-GRPO, 3+3", "rollout.responses=3"),
        label: "Share-GRPO, 3+3",
        paper: 74.7,
      },
      { arm: SHARE, label: "Share-GRPO, 6+6", paper: 75.4 },
    ],
  },
  {
    title: "Table 6: against data augmentation",
    arms: [
      { arm: GRPO, label: "GRPO", paper: 72.8 },
      { arm: grpo("grpo-images", "GRPO with transforms", IMAGES), label: "+ image transforms", paper: 73.4 },
      { arm: grpo("grpo-rewrites", "GRPO with rewrites", REWRITES), label: "+ rewrites", paper: 73.1 },
      { arm: GRPO_AUGMENTED, label: "+ both", paper: 73.6 },
      { arm: SHARE, label: "Share-GRPO", paper: 75.4 },
    ],
  },
];

/** What an arm reached, over the seeds that are done. */
export interface ArmOutcome {
  readonly arm: string;
  readonly seeds: readonly number[];
  /** Greedy held-out accuracy after training, per seed. */
  readonly after: readonly number[];
  /** Answers after training, of all seeds together. */
  readonly correct: number;
  readonly questions: number;
  /** Gain over the untrained policy: mean over seeds with a 95 % t interval, in [−1, 1]. */
  readonly gain: Interval;
}

const percent = (share: number) => (100 * share).toFixed(1);

/** An arm's accuracies after training by seed. */
const bySeed = ({ seeds, after }: ArmOutcome) => new Map(zip(seeds, after));

function markdownOf(outcomes: ReadonlyMap<string, ArmOutcome>, command: string): string {
  const sections = TABLES.flatMap(({ title, arms }) => {
    const first = outcomes.get(arms[0]?.arm.id ?? "");
    const rows = arms.map(({ arm, label, paper }) => {
      const outcome = outcomes.get(arm.id);
      if (!outcome) return [label, "–", "–", "–", "0", paper?.toFixed(1) ?? "–"];
      return [
        label,
        formatInterval(wilson(outcome.correct, outcome.questions)),
        pointsOf(outcome.gain),
        first && first !== outcome ? pointsOf(pairedBySeed(bySeed(outcome), bySeed(first))) : "–",
        String(outcome.seeds.length),
        paper?.toFixed(1) ?? "–",
      ];
    });
    const head = [
      ...["", "held-out accuracy after", "gain, points", "against the first row, by seed"],
      ...["seeds", "paper, MathVista"],
    ];
    return [`## ${title}`, "", formatMarkdownTable({ head, rows }), ""];
  });
  return [
    "# The paper's ablations at our scale",
    "",
    "Drawn scenes, bundled tiny policy. Greedy accuracy on the same held-out questions after training, with the 95 % Wilson",
    "interval over all seeds' answers; gains and differences, paired by seed, are means over seeds, with 95 % t intervals from",
    "two seeds on: where an interval holds 0, nothing is concluded. The paper's",
    "numbers are single runs of a 7B model on MathVista: they are shown for the order of the rows, not for their size.",
    "",
    `Command: \`${command}\``,
    "",
    ...sections,
  ].join("\n");
}

/** Runs what is missing, seed by seed, and writes `ablations.json` and `ablations.md` after every run. */
export async function benchAblations(options: SeedsOptions): Promise<readonly ArmOutcome[]> {
  const { seeds, settings, runs, results, print } = options;
  await makeFolder(results);
  const arms = [...new Map(TABLES.flatMap((table) => table.arms).map(({ arm }) => [arm.id, arm])).values()];
  const command = ["npm run bench -- ablations --seeds", seeds.join(","), ...settings].join(" ");
  const outcomes = new Map<string, ArmOutcome>();
  for (const seed of seeds) {
    for (const arm of arms) {
      const settled = { ...arm, settings: [...arm.settings, ...settings] };
      const { before, after } = await finishedRun(settled, seed, runs);
      const known = outcomes.get(arm.id);
      const all = [...(known?.after ?? []), accuracyOf(after)];
      outcomes.set(arm.id, {
        arm: arm.id,
        seeds: [...(known?.seeds ?? []), seed],
        after: all,
        correct: (known?.correct ?? 0) + after.correct,
        questions: (known?.questions ?? 0) + after.total,
        gain: meanOverSeeds(all.map((accuracy) => accuracy - accuracyOf(before))),
      });
      print(`${arm.name}, seed ${seed}: ${percent(accuracyOf(before))} → ${percent(accuracyOf(after))} %`);
      const document = { command, outcomes: [...outcomes.values()] };
      await writeFileAtomic(join(results, "ablations.json"), `${JSON.stringify(document, undefined, 2)}\n`);
      await writeFileAtomic(join(results, "ablations.md"), markdownOf(outcomes, command));
    }
  }
  return [...outcomes.values()];
}
