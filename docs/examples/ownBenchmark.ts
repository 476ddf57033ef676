/**
 * A benchmark of your own: questions with known answers, asked greedily, with an interval around the score.
 */
import {
  evaluate,
  type Interval,
  loadExplorer,
  PRESETS,
  type Question,
  resolveConfig,
  wilson,
} from "sharegrpo";

/** A sum for each pair of digits below `most`: no picture, one right answer. */
export function sums(most: number): Question[] {
  return Array.from({ length: most * most }, (_, at) => {
    const [a, b] = [Math.floor(at / most) + 1, (at % most) + 1];
    return {
      id: `sum-${a}-${b}`,
      text: `what is ${a} + ${b}?`,
      images: [],
      gold: String(a + b),
      rewrites: [],
      category: a + b < 10 ? "one digit" : "two digits",
    };
  });
}

export interface SumsScore {
  readonly accuracy: Interval;
  readonly perCategory: Readonly<Record<string, Interval>>;
}

/** @param model a folder, `tiny`, or a name on a hub */
export async function scoreSums(model: string, most: number): Promise<SumsScore> {
  const config = resolveConfig({ ...PRESETS.tiny, model }, "sums");
  const policy = await loadExplorer(config);
  try {
    const { correct, total, perCategory } = await evaluate(policy, sums(most), {
      formatPrompt: config.expand.formatPrompt,
      maxResponseLength: config.rollout.maxResponseLength,
    });
    const categories = Object.entries(perCategory).map(([name, each]) => [
      name,
      wilson(each.correct, each.total),
    ]);
    return { accuracy: wilson(correct, total), perCategory: Object.fromEntries(categories) };
  } finally {
    await policy.engine.close();
  }
}
