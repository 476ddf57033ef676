/**
 * @module `sharegrpo install-cuda`: ONNX Runtime's CUDA provider, and what a session on it says.
 */
import type { Command } from "commander";
import { CUDA_WANTED, installCuda } from "../compile/runtime/cudaProvider.js";
import { cureOf, shortProblem, tryApart } from "../compile/runtime/devices.js";
import { given } from "../core/given.js";
import { pathName } from "./arguments.js";
import type { CommandContext } from "./context.js";

interface InstallCudaFlags {
  readonly from?: string;
  readonly indexUrl?: string;
}

export function addInstallCuda(program: Command, { terminal, signal, print }: CommandContext): void {
  program
    .command("install-cuda")
    .description(
      "put ONNX Runtime's CUDA provider, from PyPI's wheel of the same version, where engine.device=cuda finds it",
    )
    .option("--from <wheel>", "a wheel of onnxruntime-gpu that is at hand, instead of a download", pathName)
    .option("--index-url <url>", "a package index (default: PIP_INDEX_URL, else PyPI)")
    .action(async ({ from, indexUrl }: InstallCudaFlags) => {
      const { onProgress } = terminal;
      const options = given({ from, indexUrl });
      const { folder, placed } = await installCuda({ ...options, onProgress, signal: signal("stopping") });
      terminal.finish();
      print(`${placed.wheel}\nsha256 ${placed.sha256}\nplaced ${folder}\nwanted ${CUDA_WANTED}`);
      const trial = await tryApart("cuda");
      const said = trial.problem === undefined ? undefined : shortProblem(trial.problem);
      print(
        said === undefined ? `tried  a graph runs: ${trial.runtime}` : `tried  ${said}; ${cureOf(trial)}`,
      );
    });
}
