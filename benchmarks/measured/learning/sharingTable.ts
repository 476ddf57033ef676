/**
 * @module What `sharing.json` holds, and its tables: every outcome of every arm, and whole Share-GRPO less each other arm,
 * paired by seed.
 */
import { type Interval, mean } from "../../../src/core/stats.js";
import { formatMarkdownTable, formatShare, type Table } from "../../../src/report/table.js";
import type { PolicyName } from "./policies.js";
import { meanOverSeeds, pairedBySeed, pointsOf } from "./runs.js";
import { type CountedPolicy, forecastSections } from "./variants.js";

/** The pre-registered outcomes, all shares and higher is better. */
export const OUTCOMES = {
  original: "right, questions as they are",
  variants: "right, all wordings and views",
  consistency: "same answer to two variants",
  valid: "valid groups while training",
} as const;
export type Outcome = keyof typeof OUTCOMES;

/** One trained policy. */
export interface ArmSeed {
  readonly policy: PolicyName;
  readonly arm: string;
  readonly name: string;
  readonly seed: number;
  /** Greedy accuracy on questions as they are, before training. */
  readonly before: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Valid groups in the first steps of training, where the policy is nearly the untrained one. */
  readonly early: number;
}

/** What the experiment has found so far. */
export interface SharingDocument {
  readonly command: string;
  readonly registeredSeeds: number;
  /** In what it is not the registered experiment: settings, policies, arms left out. */
  readonly departures: readonly string[];
  readonly arms: readonly { readonly id: string; readonly name: string }[];
  readonly forecasts: readonly CountedPolicy[];
  readonly done: readonly ArmSeed[];
}

/** The arm that is held against the others. */
const WHOLE = "share-2x6";

type Runs = Pick<SharingDocument, "done">;

/** An outcome of an arm by seed. */
function bySeed({ done }: Runs, policy: PolicyName, arm: string, outcome: Outcome): Map<number, number> {
  const own = done.filter((each) => each.policy === policy && each.arm === arm);
  return new Map(own.map(({ seed, outcomes }) => [seed, outcomes[outcome]]));
}

/** Whole Share-GRPO less another arm, over the seeds that both have; the ends are NaN for a single seed. */
export function sharingDifference(runs: Runs, policy: PolicyName, arm: string, outcome: Outcome): Interval {
  return pairedBySeed(bySeed(runs, policy, WHOLE, outcome), bySeed(runs, policy, arm, outcome));
}

const names = Object.keys(OUTCOMES) as Outcome[];

/** Means over seeds: an arm a row, an outcome a column. */
export function outcomeTable(document: SharingDocument, policy: PolicyName): Table {
  const rows = document.arms.flatMap(({ id, name }) => {
    const seeds = bySeed(document, policy, id, "original").size;
    if (seeds === 0) return [];
    const cells = names.map((outcome) => {
      const { value, low, high } = meanOverSeeds([...bySeed(document, policy, id, outcome).values()]);
      const spread = Number.isNaN(low) ? "" : ` [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
      return `${formatShare(value)}${spread}`;
    });
    return [[name, ...cells, String(seeds)]];
  });
  return { head: ["", ...names.map((outcome) => OUTCOMES[outcome]), "seeds"], rows };
}

/** Whole Share-GRPO less every other arm, in points. */
export function differenceTable(document: SharingDocument, policy: PolicyName): Table {
  const rows = document.arms.flatMap(({ id, name }) => {
    if (id === WHOLE || Number.isNaN(sharingDifference(document, policy, id, "original").value)) return [];
    const cells = names.map((outcome) => pointsOf(sharingDifference(document, policy, id, outcome)));
    return [[`Share-GRPO less ${name}`, ...cells]];
  });
  return { head: ["points", ...names.map((outcome) => OUTCOMES[outcome])], rows };
}

/**
 * Experiments below each other, a reader's own beside the kept one: every arm of every policy with its outcomes.
 * @param documents what `sharing.json` files hold, by what the table calls them
 */
export function joinedSharing(documents: Readonly<Record<string, SharingDocument>>): Table {
  const rows = Object.entries(documents).flatMap(([source, document]) =>
    policiesOf(document).flatMap((policy) =>
      outcomeTable(document, policy).rows.map((row) => [source, policy, ...row]),
    ),
  );
  return { head: ["runs", "policy", "arm", ...names.map((outcome) => OUTCOMES[outcome]), "seeds"], rows };
}

const policiesOf = ({ done }: Runs): PolicyName[] => [...new Set(done.map(({ policy }) => policy))];

/** Which outcomes the best baseline of equal responses loses by an interval that excludes 0. */
function findings(document: SharingDocument, policy: PolicyName): string[] {
  const baselines = ["grpo-12", "grpo-both"];
  const found = names.flatMap((outcome) => {
    const reached = baselines
      .map((arm) => ({ arm, values: [...bySeed(document, policy, arm, outcome).values()] }))
      .filter(({ values }) => values.length > 0)
      .sort((a, b) => mean(b.values) - mean(a.values));
    const [best] = reached;
    if (!best) return [];
    const difference = sharingDifference(document, policy, best.arm, outcome);
    if (!Number.isFinite(difference.low)) return [];
    const name = document.arms.find(({ id }) => id === best.arm)?.name ?? best.arm;
    const verdict =
      difference.low > 0 ? "better than" : difference.high < 0 ? "worse than" : "not told apart from";
    return [`- ${OUTCOMES[outcome]}: ${verdict} the best baseline (${name}): ${pointsOf(difference)}`];
  });
  return found.length > 0 ? found : ["- no conclusion: a single seed has no interval"];
}

/** Predicted from the untrained policy, and seen in the first steps of training. */
function predictionTable({ forecasts, done }: SharingDocument): Table {
  const shown = [
    { arm: "grpo-12", name: "GRPO", of: "grpo" },
    { arm: "grpo-both", name: "GRPO, augmented data", of: "augmented" },
    { arm: WHOLE, name: "Share-GRPO", of: "shared" },
  ] as const;
  const rows = forecasts.flatMap(({ policy, sharing }) =>
    shown.flatMap(({ arm, name, of }) => {
      const early = done
        .filter((each) => each.policy === policy && each.arm === arm)
        .map((each) => each.early);
      return early.length === 0
        ? []
        : [[policy, name, formatShare(sharing?.predicted[of].value), formatShare(mean(early))]];
    }),
  );
  return { head: ["policy", "", "predicted", "first four steps, format included"], rows };
}

/** The whole page. */
export function sharingMarkdown(document: SharingDocument): string {
  const policies = policiesOf(document);
  const seeds = Math.min(
    ...document.arms.flatMap(({ id }) =>
      document.forecasts.map(({ policy }) => bySeed(document, policy, id, "original").size),
    ),
  );
  const isPartial = seeds < document.registeredSeeds;
  const { departures } = document;
  const sections = policies.flatMap((policy) => [
    `## Policy \`${policy}\``,
    "",
    formatMarkdownTable(outcomeTable(document, policy)),
    "",
    formatMarkdownTable(differenceTable(document, policy)),
    "",
    ...findings(document, policy),
    "",
  ]);
  return [
    "# When does sharing help?",
    "",
    ...(isPartial
      ? [
          `**Partial**: ${seeds} of the ${document.registeredSeeds} registered seeds are there for every arm and policy. Nothing here is a conclusion.`,
          "",
        ]
      : []),
    ...(departures.length > 0 ? [`**Not the registered experiment**: ${departures.join(", ")}.`, ""] : []),
    "Pre-registered in [docs/LOG.md](../../../docs/LOG.md). Means over seeds; differences are paired by seed; 95 % t intervals.",
    "",
    `Command: \`${document.command}\``,
    "",
    ...sections,
    "## Predicted before training, and seen",
    "",
    formatMarkdownTable(predictionTable(document)),
    "",
    ...forecastSections(document.forecasts),
    "",
  ].join("\n");
}
