/**
 * @module `sharegrpo report`: makes the report of a run folder anew.
 */
import type { Command } from "commander";
import { writeReport } from "../report/html.js";
import type { CommandContext } from "./context.js";

export function addReport(program: Command, { print }: CommandContext): void {
  program
    .command("report")
    .description("write report.html of a run folder, finished or not")
    .argument("<run>", "run folder")
    .action(async (run: string) => {
      print(await writeReport(run));
    });
}
