/**
 * @module `sharegrpo serve`: our own engine behind the Tinker wire, so that any client of the wire trains a small
 * vision-language model on this machine.
 */
import { once } from "node:events";
import type { Command } from "commander";
import { ConfigError } from "../core/errors.js";
import { given } from "../core/given.js";
import { LOCAL_LIMITS } from "../engine/tinker/serve/localBackend.js";
import { REQUEST_LIMITS } from "../engine/tinker/serve/requests.js";
import { serveTinker } from "../engine/tinker/serve/serveTinker.js";
import { pathName, positiveInteger, wholeNumber } from "./arguments.js";
import type { CommandContext } from "./context.js";

interface ServeFlags {
  readonly tinker?: boolean;
  readonly model: string;
  readonly port: number;
  readonly out?: string;
  readonly maxTokens: number;
  readonly maxSamples: number;
  readonly maxContext: number;
  readonly maxModels: number;
  readonly maxWaiting: number;
}

/** Requests that come every few seconds, whatever is done. */
const QUIET = ["/session_heartbeat", "/retrieve_future", "/telemetry"];

export function addServe(program: Command, { terminal, signal, print }: CommandContext): void {
  program
    .command("serve")
    .description("answer the Tinker wire with this machine's own engine, on loopback, until Ctrl-C")
    .option("--tinker", "the protocol; there is no other yet")
    .option("--model <dir>", "model folder, or `tiny` for the bundled policy", "tiny")
    .option("--port <n>", "port on 127.0.0.1; 0: any that is free", wholeNumber, 8801)
    .option("--out <dir>", "where weights are kept that clients save; default: until the end only", pathName)
    .option("--max-tokens <n>", "longest response", positiveInteger, REQUEST_LIMITS.maxTokens)
    .option("--max-samples <n>", "responses to one prompt", positiveInteger, REQUEST_LIMITS.maxSamples)
    .option(
      "--max-context <n>",
      "tokens of one sequence, images included",
      positiveInteger,
      LOCAL_LIMITS.maxContext,
    )
    .option("--max-models <n>", "models in training at once", positiveInteger, LOCAL_LIMITS.maxModels)
    .option(
      "--max-waiting <n>",
      "requests that wait, or whose results nobody fetched yet (kept for an hour); others get 429",
      positiveInteger,
      REQUEST_LIMITS.maxWaiting,
    )
    .addHelpText(
      "after",
      "\nA client in this project: engine.kind=tinker engine.url=http://127.0.0.1:8801\nThe Python SDK (0.24.1): TINKER_BASE_URL=http://127.0.0.1:8801 TINKER_API_KEY=tml-none",
    )
    .action(async ({ tinker, model, port, out, ...limits }: ServeFlags) => {
      if (!tinker) throw new ConfigError("serve: missing protocol: write `sharegrpo serve --tinker`");
      const ending = signal("ending");
      const server = await serveTinker({
        ...{ model, port, limits, version: program.version() ?? "", ...given({ folder: out }) },
        onRequest({ path }, status) {
          if (!QUIET.includes(path)) terminal.line(`${path} ${status}`);
        },
        onError: (error) => terminal.line(String(error instanceof Error ? error.stack : error)),
      });
      print(server.url);
      if (!ending.aborted) await once(ending, "abort");
      await server.close();
      terminal.finish();
    });
}
