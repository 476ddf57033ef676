/**
 * @module `sharegrpo grade`: compares answers with gold answers, one JSON object a line in and out.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { type Command, Option } from "commander";
import { z } from "zod";
import { ConfigError, DataError } from "../core/errors.js";
import { GRADER_NAMES, GRADERS, type GraderName } from "../reward/graders.js";
import { gradeSymbolic, startSymbolicEngine } from "../reward/math/symbolicEngine.js";
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
    json = JSON.parse(line);
  } catch {
    throw new DataError(`grade: line ${number}: not JSON: write {"id", "given", "truth"} on each line`);
  }
  const parsed = pairSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => [...path, message].join(": "));
  throw new DataError(`grade: line ${number}: ${problems.join("; ")}`);
}

/**
 * Verdicts as lines, in the order of the pairs; empty lines are skipped.
 * @throws DataError naming the line that is no pair
 */
export async function* gradeLines(
  lines: Iterable<string> | AsyncIterable<string>,
  grade: (given: string, truth: string) => Verdict | Promise<Verdict>,
): AsyncGenerator<string> {
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === "") continue;
    const { id, given, truth } = parsePair(line, number);
    const { correct, reason } = await grade(given, truth);
    yield JSON.stringify({ id, correct, reason });
  }
}

interface GradeFlags {
  readonly grader: GraderName;
  readonly symbolic?: true;
}

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
    .action(async ({ grader, symbolic }: GradeFlags) => {
      if (symbolic && grader !== "math") throw new ConfigError("--symbolic goes with --grader math");
      const lines = createInterface({ input: process.stdin });
      const engine = startSymbolicEngine({ limitMs: SYMBOLIC_LIMIT_MS });
      const grade = symbolic
        ? (given: string, truth: string) => gradeSymbolic(given, truth, engine)
        : GRADERS[grader];
      try {
        for await (const verdict of gradeLines(lines, grade)) print(verdict);
      } finally {
        await engine.close();
      }
    });
}
