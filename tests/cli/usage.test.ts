import { Command, type CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { missTheMissingLast, usageLine } from "../../src/cli/usage.js";
import { ConfigError } from "../../src/core/errors.js";

/** A program with one command of each kind. */
function programOf(): Command {
  const program = new Command("sharegrpo").exitOverride().option("--quiet", "results only");
  program
    .command("train")
    .argument("[settings...]")
    .option("--preset <name>")
    .action(() => undefined);
  program
    .command("evaluate")
    .requiredOption("--benchmarks <names>")
    .requiredOption("--out <dir>")
    .action(() => undefined);
  program
    .command("notebook")
    .command("run")
    .argument("<file>")
    .action(() => undefined);
  missTheMissingLast(program);
  const silence = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    command.commands.forEach(silence);
  };
  silence(program);
  return program;
}

/** What Commander refuses these arguments with. */
async function refusalOf(args: readonly string[]): Promise<{ program: Command; error: CommanderError }> {
  const program = programOf();
  const error: unknown = await program.parseAsync(["node", "sharegrpo", ...args]).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { program, error: error as CommanderError };
}

describe("usageLine", () => {
  it.each<readonly [args: readonly string[], line: string]>([
    [["trian"], "sharegrpo: unknown command 'trian': did you mean train? All: sharegrpo --help"],
    [["judge"], "sharegrpo: unknown command 'judge'; all: sharegrpo --help"],
    [
      ["evaluate", "--benchmark", "X"],
      "sharegrpo evaluate: unknown option '--benchmark': did you mean --benchmarks? All: sharegrpo evaluate --help",
    ],
    [["train", "--bogus"], "sharegrpo train: unknown option '--bogus'; all: sharegrpo train --help"],
    // Settings are written without dashes.
    [
      ["train", "--steps", "3"],
      "sharegrpo train: unknown option '--steps': did you mean train.steps=…? All: sharegrpo train --help",
    ],
    [
      ["train", "--learning-rate=1e-4"],
      "sharegrpo train: unknown option '--learning-rate=1e-4': did you mean update.learningRate=…? All: sharegrpo train --help",
    ],
    [
      ["train", "--kl.use"],
      "sharegrpo train: unknown option '--kl.use': did you mean kl.use=…? All: sharegrpo train --help",
    ],
    [
      ["train", "--seed", "1"],
      "sharegrpo train: unknown option '--seed': did you mean seed=…? All: sharegrpo train --help",
    ],
    // … where there are settings
    [
      ["evaluate", "--steps", "3"],
      "sharegrpo evaluate: unknown option '--steps'; all: sharegrpo evaluate --help",
    ],
    [
      ["train", "--preset"],
      "sharegrpo train: option '--preset <name>' argument missing; all: sharegrpo train --help",
    ],
    [
      ["notebook", "run"],
      "sharegrpo notebook run: missing required argument 'file'; all: sharegrpo notebook run --help",
    ],
    [
      ["notebook", "run", "a", "--quite"],
      "sharegrpo notebook run: unknown option '--quite': did you mean --quiet? All: sharegrpo notebook run --help",
    ],
  ])("%j → %s", async (args, line) => {
    const { program, error } = await refusalOf(args);
    expect(usageLine(program, args, error)).toBe(line);
  });
});

describe("missTheMissingLast", () => {
  it("names all that is missing, by its flags", async () => {
    const { error } = await refusalOf(["evaluate"]);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toBe(
      "evaluate: missing --benchmarks <names>, --out <dir>; all: sharegrpo evaluate --help",
    );
  });

  it("names only what is missing", async () => {
    const { error } = await refusalOf(["evaluate", "--out", "x"]);
    expect(error.message).toContain("missing --benchmarks <names>;");
  });

  it("says nothing where nothing is missing", async () => {
    expect((await refusalOf(["evaluate", "--out", "x", "--benchmarks", "y"])).error).toBeUndefined();
  });

  it("tells of a mistyped flag before the one that it was meant for is missed", async () => {
    expect((await refusalOf(["evaluate", "--benchmark", "X"])).error.message).toContain("unknown option");
  });
});
