/**
 * @module The flags of scoring, the same for answers of one's own and from anywhere.
 */
import { type Command, Option } from "commander";
import { NEWEST_RULES, RULE_SETS, type RuleSet } from "../../benchmarks/records.js";
import { RESPONSE_PARTS, type ResponsePart, type ScoreSettings } from "../../benchmarks/scoring/score.js";
import { wholeNumber } from "./arguments.js";
import { addJudgeOptions, type JudgeFlags, type judgeFrom } from "./judge.js";

export interface ScoreFlags extends JudgeFlags {
  readonly rules: RuleSet;
  readonly part: ResponsePart;
  readonly guess?: number;
}

export function addScoreFlags(command: Command): Command {
  const scored = command
    .addOption(
      new Option("--rules <version>", "VLMEvalKit's rules of that time")
        .choices(RULE_SETS)
        .default(NEWEST_RULES),
    )
    .addOption(
      new Option("--part <part>", "what compatible scoring reads of a response")
        .choices(RESPONSE_PARTS)
        .default("whole" satisfies ResponsePart),
    )
    .option(
      "--guess <seed>",
      "guess an option where none can be read, as VLMEvalKit does, but seeded",
      wholeNumber,
    );
  return addJudgeOptions(scored);
}

/** What the flags say to the scorer, with the judge they name. */
export function scoreSettings(
  { rules, part, guess }: ScoreFlags,
  judging: Awaited<ReturnType<typeof judgeFrom>>,
): ScoreSettings {
  return {
    rules,
    part,
    ...(judging ? { judge: judging.judge } : {}),
    ...(guess === undefined ? {} : { guessSeed: guess }),
  };
}
