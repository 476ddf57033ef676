/**
 * @module The model families, by `model_type` of config.json.
 */
import { ModelError } from "../core/errors.js";
import type { Family, Network } from "./family.js";
import { qwen3vl } from "./qwen3vl/family.js";
import { qwen25vl } from "./qwen25vl/family.js";

/** Every family that can be loaded. */
export const FAMILIES: readonly Family[] = [qwen25vl, qwen3vl];

/**
 * @param json the parsed config.json
 * @param where its path, for messages
 * @throws ModelError when the family is unknown, or a field is missing, of the wrong kind, or contradicts another
 */
export function parseNetwork(json: unknown, where: string): Network {
  const modelType = (json as { readonly model_type?: unknown } | null)?.model_type;
  const family = FAMILIES.find((each) => each.modelType === modelType);
  if (!family) {
    const known = FAMILIES.map((each) => each.modelType).join(", ");
    throw new ModelError(`${where}: unsupported model_type: ${JSON.stringify(modelType)}; known: ${known}`);
  }
  return { family, config: family.parseConfig(json, where) };
}
