/**
 * @module Loads a reward function from the user's file.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError, messageOf } from "../core/errors.js";
import {
  builtInRewarder,
  customRewarder,
  type Rewarder,
  type RewardFunction,
  type RewardSettings,
} from "./rewarder.js";

const DEFAULT_EXPORT = "reward";

function isFunction(value: unknown): value is RewardFunction {
  return typeof value === "function";
}

/**
 * The function that `path/to/file.js#name` names; `reward` without a name.
 * @throws ConfigError when there is no such file or function
 */
export async function loadRewardFunction(place: string): Promise<RewardFunction> {
  const cut = place.lastIndexOf("#");
  const [path, name] = cut < 0 ? [place, DEFAULT_EXPORT] : [place.slice(0, cut), place.slice(cut + 1)];
  if (path === "") throw new ConfigError("reward.custom: missing file: write path/to/file.js#name");
  let loaded: Record<string, unknown>;
  try {
    loaded = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`reward.custom: cannot load ${path}: ${messageOf(error)}`, { cause: error });
  }
  const found = loaded[name];
  if (isFunction(found)) return found;
  const there = Object.keys(loaded).join(", ") || "nothing";
  throw new ConfigError(`reward.custom: ${path} exports no function ${name}: it exports ${there}`);
}

/** The rewarder that the settings ask for. @throws ConfigError when a custom function cannot be loaded */
export async function loadRewarder(settings: RewardSettings): Promise<Rewarder> {
  if (settings.kind !== "custom") return builtInRewarder(settings);
  return customRewarder(await loadRewardFunction(settings.custom), `reward ${settings.custom}`);
}
