/**
 * @module `sharegrpo grade`: compares answers with gold answers, one JSON object a line in and out.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { type Command, Option } from "commander";
import { z } from "zod";
import { DataError } from "../core/errors.js";
import { GRADER_NAMES, GRADERS, type GraderName } from "../reward/graders.js";
import type { CommandContext } from "./context.js";

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
  if (!parsed.success) throw new DataError(`grade: line ${number}: ${parsed.error.issues[0]?.message}`);
  return parsed.data;
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
    .action(async ({ grader }: { grader: GraderName }) => {
      let number = 0;
      for await (const line of createInterface({ input: process.stdin })) {
        number++;
        if (line.trim() === "") continue;
        const { id, given, truth } = parsePair(line, number);
        print(JSON.stringify({ id, ...GRADERS[grader](given, truth) }));
      }
    });
}
