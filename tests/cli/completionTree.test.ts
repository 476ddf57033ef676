import { Argument, Command, Option } from "commander";
import { describe, expect, it } from "vitest";
import { REGISTERED } from "../../benchmarks/suites/registry.js";
import { completionTree } from "../../src/cli/completionTree.js";
import { describeSettings } from "../../src/config/describe.js";
import { presetNames } from "../../src/config/load.js";

function programOf(): Command {
  const program = new Command("sharegrpo").version("1.0.0").option("--quiet", "results only");
  program
    .command("train")
    .description("train a policy")
    .argument("[settings...]")
    .option("--preset <name>", "a preset")
    .option("--resume", "go on");
  program
    .command("evaluate")
    .option("--benchmarks <names>", "which")
    .addOption(new Option("--mode <mode>", "rules").choices(["fixed", "compatible"]))
    .addOption(new Option("--secret <x>").hideHelp())
    .option("--limit [n]", "rows");
  program.command("completion").addArgument(new Argument("<shell>").choices(["bash", "fish"]));
  program.command("notebook").command("run").description("run notebooks");
  return program;
}

const tree = completionTree(programOf());
const commandAt = (path: string) => tree.find((command) => command.path === path);
const flagsOf = (path: string) => commandAt(path)?.flags.map(({ flag }) => flag);
const valuesOf = (path: string, name: string) =>
  commandAt(path)?.flags.find(({ flag }) => flag === name)?.values;

describe("completionTree", () => {
  it("has every command once, those below others by their whole path", () => {
    expect(tree.map(({ path }) => path)).toEqual([
      "",
      "train",
      "evaluate",
      "completion",
      "notebook",
      "notebook run",
    ]);
    expect(commandAt("notebook")?.subcommands).toEqual([{ name: "run", description: "run notebooks" }]);
  });

  it("gives every command its own flags, those of all commands, and --help; hidden ones to none", () => {
    expect(flagsOf("train")).toEqual(["--preset", "--resume", "--quiet", "--help"]);
    expect(flagsOf("notebook run")).toEqual(["--quiet", "--help"]);
    expect(flagsOf("evaluate")).not.toContain("--secret");
  });

  it("gives --version to the program alone", () => {
    expect(flagsOf("")).toContain("--version");
    for (const { path, flags } of tree.slice(1))
      expect(
        flags.map(({ flag }) => flag),
        path,
      ).not.toContain("--version");
  });

  it("knows which flags take a value, and the words it may be", () => {
    const taking = tree.flatMap(({ flags }) =>
      flags.filter(({ takesValue }) => takesValue).map(({ flag }) => flag),
    );
    expect(taking).toEqual(["--preset", "--benchmarks", "--mode", "--limit"]);
    expect(valuesOf("train", "--preset")).toEqual(presetNames());
    expect(valuesOf("evaluate", "--benchmarks")).toEqual(REGISTERED.map(({ name }) => name));
    expect(valuesOf("evaluate", "--mode")).toEqual(["fixed", "compatible"]);
    expect(valuesOf("evaluate", "--limit")).toEqual([]);
  });

  it("offers settings where they are taken, each with the words it may be", () => {
    const { settings = [] } = commandAt("train") ?? {};
    expect(settings.map(({ key }) => key)).toEqual(describeSettings().map(({ key }) => key));
    expect(settings.find(({ key }) => key === "kl.use")?.choices).toEqual(["off", "loss", "reward"]);
    expect(settings.find(({ key }) => key === "lora.usesRslora")?.choices).toEqual(["true", "false"]);
    expect(commandAt("evaluate")?.settings).toEqual([]);
  });

  it("offers the words that an argument may be", () => {
    expect(commandAt("completion")?.words).toEqual(["bash", "fish"]);
    expect(commandAt("train")?.words).toEqual([]);
  });
});
