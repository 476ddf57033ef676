/**
 * @module How far variants of a question differ in difficulty for the two policies, and what sharing should therefore
 * buy on drawn scenes.
 */
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../../src/core/files/atomic.js";
import { whileHolding } from "../../../src/core/files/folderLock.js";
import { given } from "../../../src/core/given.js";
import type { Interval } from "../../../src/core/stats.js";
import { formatInterval, formatMarkdownTable, formatShare } from "../../../src/report/table.js";
import type { VariantsReport } from "../../../src/train/variantsReport.js";
import { COMMON_WORDS, countedOnce, type PolicyName, policyModel } from "./policies.js";
import { pointsOf } from "./runs.js";

/** What the tables need of `sharegrpo variants --json`. */
export type VariantsDocument = Pick<
  VariantsReport,
  "questions" | "samples" | "success" | "consistency" | "contrasts" | "sharing"
>;

/** What predictions are counted from. */
export const FORECAST = { questions: 64, samples: 12 } as const;

export interface VariantsOptions {
  readonly policies: readonly PolicyName[];
  /** Where counts and the narrow policy are kept. */
  readonly runs: string;
  readonly results: string;
  readonly questions: number;
  readonly samples: number;
  readonly print: (text: string) => void;
}

export type CountedPolicy = VariantsDocument & { readonly policy: PolicyName };

/** What sampling from a policy predicts for training it. */
export async function forecastOf(
  policy: PolicyName,
  { runs, questions, samples }: Pick<VariantsOptions, "runs" | "questions" | "samples">,
): Promise<CountedPolicy> {
  const model = await policyModel(policy, runs);
  const counts = ["--questions", String(questions), "--samples", String(samples)];
  const args = ["scenes", COMMON_WORDS, "--model", model, ...counts];
  const { success, consistency, contrasts, sharing } = await countedOnce<VariantsDocument>(
    join(runs, policy, "forecast.json"),
    args,
  );
  return { ...{ policy, questions, samples, success, consistency, contrasts }, ...given({ sharing }) };
}

const decimals = ({ value, low, high }: Interval): string =>
  `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`.replaceAll("-", "−");

/** Policies side by side, then what carries the difference. */
export function forecastSections(counted: readonly CountedPolicy[]): string[] {
  const head = ["", ...counted.map(({ policy }) => policy)];
  const line = (name: string, of: (each: CountedPolicy) => string | undefined) => [
    name,
    ...counted.map((each) => of(each) ?? "–"),
  ];
  const sharing = (name: string, of: (each: NonNullable<VariantsDocument["sharing"]>) => string) =>
    line(name, (each) => each.sharing && of(each.sharing));
  const rows = [
    line("right, questions as they are", ({ success }) => formatShare(success.original)),
    line("right, all variants", ({ success }) => formatShare(success.variants)),
    sharing("intraclass correlation within variants", ({ spread }) => decimals(spread.intraclass)),
    sharing("valid groups predicted: GRPO, N = 12", ({ predicted }) => formatInterval(predicted.grpo)),
    sharing("GRPO on augmented data, N = 12", ({ predicted }) => formatInterval(predicted.augmented)),
    sharing("Share-GRPO, 2 × 6", ({ predicted }) => formatInterval(predicted.shared)),
    sharing("Share-GRPO less GRPO, points", ({ predicted }) => pointsOf(predicted.gain)),
    sharing("Share-GRPO less GRPO on augmented data, points", ({ predicted }) =>
      pointsOf(predicted.gainOverAugmented),
    ),
    sharing("valid groups drawn, format included: GRPO", ({ observed }) => formatInterval(observed.grpo)),
    sharing("Share-GRPO", ({ observed }) => formatInterval(observed.shared)),
  ];
  const names = [...new Set(counted.flatMap(({ contrasts }) => contrasts.map(({ name }) => name)))];
  const contrasts = names.map((name) =>
    line(name, ({ contrasts }) => {
      const found = contrasts.find((each) => each.name === name);
      return found && pointsOf(found.difference);
    }),
  );
  return [
    formatMarkdownTable({ head, rows }),
    "",
    "Points of right answers that asking otherwise costs or gives: a rewrite against the original words, a transform",
    "against the same words with the picture as it is.",
    "",
    formatMarkdownTable({ head, rows: contrasts }),
    "",
    ...counted.map(({ policy, sharing }) => `- **${policy}**: ${sharing?.verdict ?? "too few samples"}`),
  ];
}

function markdownOf(counted: readonly CountedPolicy[], command: string): string {
  const [first] = counted;
  return [
    "# Do variants of a question differ in difficulty?",
    "",
    `${first?.questions ?? 0} drawn training scenes asked in their families' common words, each in all its wordings and in four views, ${first?.samples ?? 0} sampled answers to each; 95 %`,
    "bootstrap intervals over questions. `tiny` is the bundled policy, `narrow` the one whose warm-up went on with few wordings",
    "([data/README.md](../../../data/README.md)).",
    "",
    `Command: \`${command}\``,
    "",
    ...forecastSections(counted),
    "",
  ].join("\n");
}

/** Counts what is not counted yet, and writes `variants.json` and `variants.md`. */
export function benchVariants(options: VariantsOptions): Promise<void> {
  return whileHolding(options.runs, "bench variants", () => countAndWrite(options));
}

async function countAndWrite(options: VariantsOptions): Promise<void> {
  const { policies, results, questions, samples, print } = options;
  await makeFolder(results);
  const counted: CountedPolicy[] = [];
  for (const policy of policies) counted.push(await forecastOf(policy, options));
  const command = `npm run bench -- variants --policies ${policies.join(",")} --questions ${questions} --samples ${samples}`;
  await writeFileAtomic(
    join(results, "variants.json"),
    `${JSON.stringify({ command, policies: counted }, undefined, 1)}\n`,
  );
  await writeFileAtomic(join(results, "variants.md"), markdownOf(counted, command));
  print(forecastSections(counted).join("\n"));
}
