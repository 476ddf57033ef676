/**
 * @module A model folder behind the Tinker wire: our own engine, in a process of its own for each model in training.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { resolveConfig } from "../../../config/load.js";
import { given } from "../../../core/given.js";
import { modelFolder } from "../../../model/load.js";
import { localSettings } from "../../local/settings.js";
import { startEngine } from "../../process/engineInProcess.js";
import { createLocalBackend, type LocalLimits } from "./localBackend.js";
import { readingOf } from "./readDatum.js";
import type { RequestLimits } from "./requests.js";
import { startTinkerServer, type TinkerServer, type TinkerServerOptions } from "./server.js";

/** What is served behind the Tinker wire, and where. */
export interface ServeOptions extends Omit<TinkerServerOptions, "backend" | "version" | "limits"> {
  /** Requests that ask for more are refused by name; REQUEST_LIMITS and LOCAL_LIMITS unless given. */
  readonly limits?: Partial<RequestLimits & LocalLimits>;
  /** Model folder; `tiny`, the bundled policy, unless given. */
  readonly model?: string;
  /** Where weights are kept that clients save; until the end only unless given. */
  readonly folder?: string;
  readonly version?: string;
}

/**
 * Serves a model until it is closed.
 * @throws ModelError when the folder is none
 */
export async function serveTinker({
  model = "tiny",
  folder,
  version = "",
  ...options
}: ServeOptions = {}): Promise<TinkerServer> {
  const path = modelFolder(model);
  const reading = await readingOf(path);
  const kept = folder ?? (await mkdtemp(join(tmpdir(), "sharegrpo-serve-")));
  const local = localSettings(resolveConfig({ model }, "serve"));
  const backend = createLocalBackend({
    ...{ model: model === "tiny" ? "sharegrpo/tiny" : basename(path), folder: kept, ...reading },
    ...given({ limits: options.limits }),
    open: () => Promise.resolve(startEngine({ model: path, local })),
  });
  const server = await startTinkerServer({ ...options, backend, version });
  return {
    ...server,
    async close() {
      await server.close();
      if (folder === undefined) await rm(kept, { recursive: true, force: true });
    },
  };
}
