/**
 * @module `sharegrpo completion`: prints a script that completes commands, flags, settings, presets and benchmarks.
 */
import { Argument, type Command } from "commander";
import { completionScript, SHELLS, type Shell } from "./completionScripts.js";
import { completionTree } from "./completionTree.js";
import type { CommandContext } from "./context.js";

const HOW = `
Put one of these into your shell's start-up file:
  bash   source <(sharegrpo completion bash)
  zsh    source <(sharegrpo completion zsh)      after compinit
  fish   sharegrpo completion fish | source`;

export function addCompletion(program: Command, { print }: CommandContext): void {
  program
    .command("completion")
    .description("print a script that completes commands, flags, settings, presets and benchmarks")
    .addArgument(new Argument("<shell>", "which shell reads it").choices(SHELLS))
    .addHelpText("after", HOW)
    .action((shell: Shell) => print(completionScript(shell, completionTree(program))));
}
