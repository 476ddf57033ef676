/**
 * @module `sharegrpo grade`: compares answers with gold answers, one JSON object a line in and out.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { type Command, Option } from "commander";
import { z } from "zod";
import { ConfigError, DataError } from "../core/errors.js";
import { withoutMark } from "../core/files/json.js";
import type { Extracted } from "../records.js";
import { GRADER_NAMES, GRADERS, type GraderName } from "../reward/graders.js";
import { gradeSymbolic, startSymbolicEngine } from "../reward/math/symbolicEngine.js";
import { gradeResponse, type ResponseVerdict } from "../reward/response/gradeResponse.js";
import type { Verdict } from "../reward/verdict.js";
import type { CommandContext } from "./context.js";

const SYMBOLIC_LIMIT_MS = 2000;

const pairSchema = z.strictObject({
  id: z.union([z.string(), z.number()]),
  given: z.string(),
  truth: z.string(),
});

/** @throws DataError naming the line and what is wrong with it */
function parsePair(line: string, number: number): z.output<typeof pairSchema> {
  let json: unknown;
  try {
    json = JSON.parse(withoutMark(line));
  } catch {
    throw new DataError(`grade: line ${number}: not JSON: write {"id", "given", "truth"} on each line`);
  }
  const parsed = pairSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => [...path, message].join(": "));
  throw new DataError(`grade: line ${number}: ${problems.join("; ")}`);
}

/** A verdict, and the answer where it was read out of a response. */
type GradedPair = Verdict & Partial<Pick<ResponseVerdict, "extracted">>;

function answerOf(extracted: Extracted): string | null {
  return extracted.kind === "answer" ? extracted.text : null;
}

/**
 * Verdicts as lines, in the order of the pairs; empty lines are skipped.
 * @throws DataError naming the line that is no pair
 */
export async function* gradeLines(
  lines: Iterable<string> | AsyncIterable<string>,
  grade: (given: string, truth: string) => GradedPair | Promise<GradedPair>,
): AsyncGenerator<string> {
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === "") continue;
    const { id, given, truth } = parsePair(line, number);
    const { correct, reason, extracted } = await grade(given, truth);
    yield JSON.stringify({ id, correct, reason, ...(extracted ? { extracted: answerOf(extracted) } : {}) });
  }
}

interface GradeFlags {
  readonly grader: GraderName;
  readonly symbolic?: true;
  readonly responses?: true;
}

/** @throws ConfigError for flags that do not go together */
function checkFlags({ grader, symbolic, responses }: GradeFlags): void {
  if (symbolic && grader !== "math") throw new ConfigError("--symbolic goes with --grader math");
  if (responses && grader !== "math") throw new ConfigError("--responses goes with --grader math");
  if (responses && symbolic)
    throw new ConfigError("--responses and --symbolic do not go together: leave one out");
}

const gradeOf = ({ grader, responses }: GradeFlags) => (responses ? gradeResponse : GRADERS[grader]);

export function addGrade(program: Command, { print }: CommandContext): void {
  program
    .command("grade")
    .description('grade answers from standard input: {"id", "given", "truth"} → {"id", "correct", "reason"}')
    .addOption(
      new Option("--grader <name>", "mathruler as the released code; math reads both answers first")
        .choices(GRADER_NAMES)
        .default("mathruler"),
    )
    .option("--symbolic", "ask @cortex-js/compute-engine about what math cannot read, at most 2 s a pair")
    .option(
      "--responses",
      "`given` is a whole response: its answer is read out of boxes or words, by math's rules",
    )
    .action(async (flags: GradeFlags) => {
      const { symbolic } = flags;
      checkFlags(flags);
      const lines = createInterface({ input: process.stdin });
      const engine = startSymbolicEngine({ limitMs: SYMBOLIC_LIMIT_MS });
      const grade = symbolic
        ? (given: string, truth: string) => gradeSymbolic(given, truth, engine)
        : gradeOf(flags);
      try {
        for await (const verdict of gradeLines(lines, grade)) print(verdict);
      } finally {
        await engine.close();
      }
    });
}
