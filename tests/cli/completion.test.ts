import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { presetNames } from "../../src/config/load.js";
import { runProgram } from "../helpers/program.js";

const has = (shell: string) => spawnSync(shell, ["-c", "exit 0"]).status === 0;
const scripts: Record<string, string> = {};

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), "completion-"));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await runProgram(["completion", shell]);
    scripts[shell] = join(dir, shell);
    writeFileSync(scripts[shell], stdout);
  }
});

/** What bash offers when the Tab key is pressed after these words, cut as bash cuts them. */
function bashOffers(...words: readonly string[]): string[] {
  const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sharegrpo; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["--norc", "-c", program, "bash", scripts["bash"] ?? "", "sharegrpo", ...words];
  return execFileSync("bash", args, { encoding: "utf8" }).split("\n").filter(Boolean);
}

/** zsh's own part is left out: only what is handed to it counts. */
function zshOffers(...words: readonly string[]): string[] {
  const stubs = `compdef() { : }; compset() { : }; _files() { print files }
compadd() { while [[ "$1" == -* && "$1" != -- ]]; do [[ "$1" == -S ]] && shift; shift; done; shift; print -l -- "$@" }`;
  const program = `${stubs}; source "$1"; shift; words=("$@"); CURRENT=$#; _sharegrpo`;
  const args = ["-fc", program, "zsh", scripts["zsh"] ?? "", "sharegrpo", ...words];
  return execFileSync("zsh", args, { encoding: "utf8" }).split("\n").filter(Boolean);
}

function fishOffers(line: string): string[] {
  const program = `source $argv[1]; complete -C "sharegrpo ${line}"`;
  const said = execFileSync("fish", ["-N", "-c", program, scripts["fish"] ?? ""], { encoding: "utf8" });
  return said
    .split("\n")
    .flatMap((each) => each.split("\t").slice(0, 1))
    .filter(Boolean);
}

describe.skipIf(!has("bash"))("completion in bash", () => {
  it.each([
    [["tra"], ["train"]],
    [["train", "--preset", ""], presetNames()],
    [["notebook", "r"], ["run"]],
    [
      ["evaluate", "--benchmarks", "MMStar,MathVi"],
      ["MMStar,MathVista", "MMStar,MathVision"],
    ],
    [["train", "update.learningR"], ["update.learningRate="]],
    [
      ["train", "kl.use", "="],
      ["off", "loss", "reward"],
    ],
    [["train", "kl.use", "=", "l"], ["loss"]],
    [["train", "--out", ""], []], // readline offers files
    [
      ["train", "--preset", "=", "qwen"],
      ["qwen2.5-vl-3b-laptop", "qwen2.5-vl-7b-laptop"],
    ],
    [
      ["train", "lora.usesRslora", "="],
      ["true", "false"],
    ],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
  ])("after %j offers %j", (words, offered) => {
    expect(bashOffers(...words)).toEqual(offered);
  });

  it("offers a command its own flags and those of all commands", () => {
    const offered = bashOffers("bench", "speed", "--");
    expect(offered).toEqual(expect.arrayContaining(["--torch-compile", "--quiet", "--help"]));
    expect(offered).not.toContain("--resume");
    expect(offered).not.toContain("--version");
  });
});

describe.skipIf(!has("zsh"))("completion in zsh", () => {
  it.each([
    [["train", "--preset", ""], presetNames()],
    [
      ["train", "kl.use="],
      ["off", "loss", "reward"],
    ],
    [["train", "--out", ""], ["files"]],
    [["train", "--out=/"], ["files"]],
    [["train", "data.path=/"], ["files"]],
    [["train", "--preset=ti"], presetNames()], // zsh itself leaves out what does not begin so
    [
      ["notebook", ""],
      ["run", "files"],
    ],
  ])("after %j offers %j", (words, offered) => {
    expect(zshOffers(...words)).toEqual(offered);
  });
});

describe.skipIf(!has("fish"))("completion in fish", () => {
  it.each([
    ["tra", ["train"]],
    ["train --preset ", presetNames().toSorted()],
    ["train kl.use=", ["kl.use=", "kl.use=loss", "kl.use=off", "kl.use=reward"]],
    ["train data.path=/et", ["data.path=/etc/"]],
    ["train --preset=tiny-", ["--preset=tiny-grpo"]],
    ["evaluate --benchmarks MMStar,MathVi", ["MMStar,MathVision", "MMStar,MathVista"]],
    ["completion ", ["bash", "fish", "zsh"]],
    ["notebook r", ["run"]],
  ])("after %j offers %j", (line, offered) => {
    expect(fishOffers(line).toSorted()).toEqual(offered);
  });
});
