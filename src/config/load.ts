/**
 * @module Where settings come from: a preset or a YAML file, then `key=value` arguments; parsed once and frozen.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { parse, stringify } from "yaml";
import { ConfigError, firstLineOf } from "../core/errors.js";
import { describeSettings } from "./describe.js";
import { modeSettings } from "./modes.js";
import { PRESETS } from "./presets.js";
import { MODES, type RunConfig, runSchema } from "./schema.js";

type Plain = { [key: string]: Plain } | unknown;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Names of all presets. */
export function presetNames(): string[] {
  return Object.keys(PRESETS);
}

/** @throws ConfigError naming the presets there are */
export function presetInput(name: string): Record<string, unknown> {
  const preset = Object.entries(PRESETS).find(([known]) => known === name)?.[1];
  if (!preset) {
    throw new ConfigError(`--preset: unknown preset: ${name}: choose one of ${presetNames().join(", ")}`);
  }
  return structuredClone(preset) as Record<string, unknown>;
}

/** What the YAML parser says, without the source it shows. */
function yamlProblem(cause: unknown): string {
  return firstLineOf(cause).replace(/:$/, "");
}

/** @throws ConfigError when the file is missing or not a YAML mapping */
export function readConfigFile(path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ConfigError(`${path}: cannot read the config: ${yamlProblem(cause)}`, { cause });
  }
  if (!isRecord(parsed)) throw new ConfigError(`${path}: expected a YAML mapping of settings`);
  return parsed;
}

/**
 * `update.learningRate=1e-4` applied to a copy of the settings. Values are read as YAML.
 * @throws ConfigError when it assigns nothing or the value is not YAML
 */
export function withOverride(settings: Record<string, unknown>, assignment: string): Record<string, unknown> {
  const equals = assignment.indexOf("=");
  if (equals <= 0) {
    throw new ConfigError(`${assignment}: not a setting: write key=value, for example train.steps=50`);
  }
  const keys = assignment.slice(0, equals).split(".");
  const value = yamlValue(assignment, assignment.slice(equals + 1));
  const set = (node: Plain, depth: number): unknown => {
    const key = keys[depth];
    if (key === undefined) return value;
    const fields = isRecord(node) ? node : {};
    return { ...fields, [key]: set(fields[key], depth + 1) };
  };
  return set(settings, 0) as Record<string, unknown>;
}

function yamlValue(assignment: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new ConfigError(`${assignment}: not a YAML value: ${yamlProblem(cause)}`, { cause });
  }
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}

/** `over` on top of `under`; where both are mappings, key by key. */
function merged(under: unknown, over: unknown): unknown {
  if (!isRecord(under) || !isRecord(over)) return over;
  const inner = Object.entries(over).map(([key, value]) => [key, merged(under[key], value)]);
  return { ...under, ...Object.fromEntries(inner) };
}

/** The settings on top of those of the mode they name; an unknown mode is left for the schema to refuse. */
function withMode(settings: unknown): unknown {
  const mode = isRecord(settings) ? MODES.find((known) => known === settings["mode"]) : undefined;
  return mode === undefined ? settings : merged(modeSettings(mode), settings);
}

/**
 * Checks settings and fills in those of the mode, then defaults.
 * @param where what messages start with: a file name or `--preset tiny`
 * @throws ConfigError listing every problem with its key
 */
export function resolveConfig(settings: unknown, where: string): RunConfig {
  const parsed = runSchema.safeParse(withMode(settings));
  if (parsed.success) return freeze(parsed.data);
  const problems = parsed.error.issues.flatMap((issue) => {
    const at = issue.path.join(".");
    if (issue.code !== "unrecognized_keys") return [`${at || "settings"}: ${issue.message}`];
    return issue.keys.map(
      (key) => `unknown setting ${at ? `${at}.` : ""}${key}${suggestion(key, issue.path)}`,
    );
  });
  throw new ConfigError(`${where}: ${problems.join("; ")}`);
}

/** The known setting nearest to a misspelt one, as `: did you mean …?`; among equals one of the same level. */
function suggestion(misspelt: string, path: readonly PropertyKey[]): string {
  const level = path.map(String);
  const near = knownPaths()
    .map((known) => {
      const key = known.at(-1) ?? "";
      return {
        known,
        distance: editDistance(key.toLowerCase(), misspelt.toLowerCase()),
        isElsewhere: known.slice(0, -1).join(".") === level.join(".") ? 0 : 1,
        difference: Math.abs(key.length - misspelt.length),
      };
    })
    .sort(
      (a, b) => a.distance - b.distance || a.isElsewhere - b.isElsewhere || a.difference - b.difference,
    )[0];
  return near && near.distance <= 3 ? `: did you mean ${near.known.join(".")}?` : "";
}

/** Every setting and group of settings, as its keys from the outermost. */
function knownPaths(): string[][] {
  const dotted = describeSettings().flatMap(({ key }) => {
    const keys = key.split(".");
    return keys.map((_, last) => keys.slice(0, last + 1).join("."));
  });
  return [...new Set(dotted)].map((path) => path.split("."));
}

/** Levenshtein distance, where two neighbouring letters in the wrong order count once. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  const cell = (i: number, j: number) => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isTurned = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const turned = isTurned ? cell(i - 2, j - 2) + 1 : Infinity;
      row.push(
        Math.min(cell(i - 1, j - 1) + (isSame ? 0 : 1), cell(i, j - 1) + 1, cell(i - 1, j) + 1, turned),
      );
    }
  }
  return cell(a.length, b.length);
}

/** The resolved settings as YAML, with each key's meaning left to `--help`. */
export function configYaml(config: RunConfig): string {
  return stringify(config);
}

/** How a hub is reached, and where what comes from it is kept. */
export interface HubEnvironment {
  readonly endpoint: string;
  readonly token?: string;
  /** Folder for data sets, where one is named. */
  readonly cacheDir?: string;
  /** Folder for models, shared with Hugging Face's own tools. */
  readonly modelCache: string;
  /** The hub is not to be asked. */
  readonly isOffline: boolean;
}

/** The key of an engine's server: `SHAREGRPO_ENGINE_KEY`, or `TINKER_API_KEY` as the Tinker SDK reads it. */
export function engineKey(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return env["SHAREGRPO_ENGINE_KEY"] || env["TINKER_API_KEY"] || undefined;
}

/** What mends a server's refusal of that key, or of there being none. */
export const ENGINE_KEY_CURE =
  "set SHAREGRPO_ENGINE_KEY to a key that this server takes, or check the address";

/** Folder of weights packed for sampling: made from checkpoints, and made again when it was deleted. */
export function packedCache(
  env: Readonly<Record<string, string | undefined>> = process.env,
  home = homedir(),
): string {
  const root = env["HF_HOME"] || env["XDG_CACHE_HOME"] || join(home, ".cache");
  return join(root, "sharegrpo", "packed");
}

/** Folder of an ONNX Runtime that has its CUDA provider beside it: made by `sharegrpo install-cuda`. */
export function cudaRuntimeFolder(
  version: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  home = homedir(),
): string {
  return join(dirname(packedCache(env, home)), `onnxruntime-${version}-cuda`);
}

/** Folder of TensorFlow.js's native binding: made by `sharegrpo install-tensorflow`. */
export function nativeTensorflowFolder(
  version: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  home = homedir(),
): string {
  return join(dirname(packedCache(env, home)), `tfjs-node-${version}`);
}

/** Before TensorFlow's library loads, which reads these: errors alone are said, and of a card is taken what is used. */
export function settleTensorflow(env: Record<string, string | undefined> = process.env): void {
  env["TF_CPP_MIN_LOG_LEVEL"] ??= "3";
  env["TF_FORCE_GPU_ALLOW_GROWTH"] ??= "true";
}

/** Python's package index, as pip reads it. */
export function packageIndex(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env["PIP_INDEX_URL"] || "https://pypi.org/simple";
}

const isOn = (flag: string | undefined): boolean => /^(1|on|yes|true)$/i.test(flag ?? "");

/**
 * `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE` and `TRANSFORMERS_OFFLINE`: the names that
 * Hugging Face's own tools read.
 * @param home the person's folder
 */
export function hubEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
  home = homedir(),
): HubEnvironment {
  const endpoint = env["HF_ENDPOINT"]?.replace(/\/+$/, "");
  const [token, hfHome] = [env["HF_TOKEN"], env["HF_HOME"]];
  const cache = env["XDG_CACHE_HOME"] || join(home, ".cache");
  return {
    endpoint: endpoint || "https://huggingface.co",
    ...(token ? { token } : {}),
    ...(hfHome ? { cacheDir: join(hfHome, "sharegrpo", "datasets") } : {}),
    modelCache: env["HF_HUB_CACHE"] || join(hfHome || join(cache, "huggingface"), "hub"),
    isOffline: isOn(env["HF_HUB_OFFLINE"]) || isOn(env["TRANSFORMERS_OFFLINE"]),
  };
}
