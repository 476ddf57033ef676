/**
 * @module The flag that has servers asked in tokens: words and images are read here, by the model's own files.
 */
import { parseBaseUrl } from "../core/chat/chatServer.js";
import type { ChatWire } from "../core/chat/openai.js";
import { ConfigError } from "../core/errors.js";
import { locateModel } from "../data/hubModel.js";
import { type ImageLimits, withImageLimits } from "../data/pixels.js";
import { describeServer, modelsOn, requireServer } from "../engine/openAi/server.js";
import { tokenWire } from "../engine/openAi/tokenWire.js";
import { loadProcessor } from "../model/processor.js";
import type { CommandContext } from "./context.js";

export const PROCESSOR_FLAG = [
  "--processor <dir>",
  "the served model's folder or owner/name (no weights needed): prompts go as tokens, and what the server read is compared",
] as const;

/** Servers of one load, and whose files read for them. */
interface TokenServers {
  readonly urls: readonly string[];
  readonly processor: string | undefined;
  readonly key: string | undefined;
  readonly limits?: ImageLimits;
}

const NO_LIMITS: ImageLimits = { minPixels: null, maxPixels: null };

/**
 * The wire that a processor asks for; undefined without one.
 * @throws ConfigError when a server takes no tokens, or servers differ; ModelError when the files cannot be used
 */
export async function tokenWireFor(
  { urls, processor: name, key, limits = NO_LIMITS }: TokenServers,
  { terminal: { onProgress, line: onNote } }: Pick<CommandContext, "terminal">,
): Promise<ChatWire | undefined> {
  if (name === undefined) return undefined;
  const { folder } = await locateModel(name, { onProgress, onNote, isProcessorOnly: true });
  const processor = withImageLimits(await loadProcessor(folder), limits);
  const addresses = urls.map((url) => ({ base: parseBaseUrl(url), key }));
  const servers = await Promise.all(addresses.map(requireServer));
  const names = servers.map(describeServer);
  const [server] = servers;
  if (!server || new Set(names).size !== 1) {
    throw new ConfigError(
      `--processor: servers differ: ${names.join(", ")}: answers would not be comparable`,
    );
  }
  const { minPixels, maxPixels } = processor.image;
  onNote(
    `${names[0]}: prompts as tokens by ${folder}; images of ${minPixels} to ${maxPixels} pixels, which the server must allow, too`,
  );
  const models = await Promise.all(addresses.map(modelsOn));
  const adapters = models.flat().filter(({ isAdapter }) => isAdapter);
  return tokenWire(
    server,
    processor,
    adapters.map(({ id }) => id),
  );
}
