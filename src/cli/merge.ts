/**
 * @module `sharegrpo merge`: a model folder of its own from a checkpoint or an adapter.
 */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { given } from "../core/given.js";
import { mergeCheckpoint } from "../model/merge.js";
import type { FloatDtype } from "../model/weights/numbers.js";
import type { CommandContext } from "./context.js";

interface Flags {
  readonly checkpoint: string;
  readonly out: string;
  readonly base?: string;
  readonly dtype?: string;
  readonly json?: boolean;
}

const DTYPES: Readonly<Record<string, FloatDtype>> = { bf16: "BF16", f16: "F16", f32: "F32" };

export function addMerge(program: Command, { terminal, print, signal }: CommandContext): void {
  program
    .command("merge")
    .description("write a checkpoint, or an adapter with its base, as a model folder that needs nothing else")
    .requiredOption(
      "--checkpoint <dir>",
      "a checkpoint of a training, an adapter of PEFT's, or a model folder",
    )
    .requiredOption("--out <dir>", "a folder that is not there yet")
    .option("--base <dir>", "an adapter's base (default: the one it names)")
    .addOption(
      new Option("--dtype <name>", "format of the weights (default: as they are)").choices(
        Object.keys(DTYPES),
      ),
    )
    .option("--json", "print one JSON document")
    .action(async ({ checkpoint, out, base, dtype, json }: Flags) => {
      const float = dtype === undefined ? undefined : DTYPES[dtype];
      const found = await mergeCheckpoint({
        checkpoint,
        out: resolve(out),
        onProgress: terminal.onProgress,
        signal: signal(),
        ...given({ base, dtype: float }),
      });
      terminal.finish();
      const document = JSON.stringify({ out: resolve(out), ...found });
      print(json === true ? document : `${found.tensors} tensors, ${found.adapted} of them adapted → ${out}`);
    });
}
