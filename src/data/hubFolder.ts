/**
 * @module Which files of a data set's folder belong to a split: as its card (README.md) says, else by their names.
 *
 * The folder is a clone or download of a hub repository, or any folder with data files.
 */
import { extname } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { DataError, firstLineOf } from "../core/errors.js";
import { DATA_ENDINGS } from "./rows.js";

const patterns = z.union([z.string(), z.array(z.string())]);
const splitFiles = z.looseObject({ split: z.string(), path: patterns });
const cardSchema = z.looseObject({
  configs: z
    .array(
      z.looseObject({
        config_name: z.string(),
        data_files: z.union([z.string(), z.array(z.union([z.string(), splitFiles])), splitFiles]).optional(),
        default: z.boolean().nullish(),
      }),
    )
    .optional(),
});

/** Splits by name, in the card's order. */
export type SplitPatterns = ReadonlyMap<string, readonly string[]>;

const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

/** What stands between the `---` lines at the top of a card. */
function frontMatter(card: string): string | undefined {
  return /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(card)?.[1];
}

/**
 * The splits of one configuration of a card; undefined where the card lists none.
 * @param config its name; without it the default one, or the first
 * @throws DataError when the card is not YAML, or has no such configuration
 */
export function cardSplits(
  card: string,
  where: string,
  config: string | undefined,
): SplitPatterns | undefined {
  const yaml = frontMatter(card);
  if (yaml === undefined) return undefined;
  let json: unknown;
  try {
    json = parse(yaml);
  } catch (cause) {
    throw new DataError(`${where}: invalid dataset card: ${firstLineOf(cause)}`, { cause });
  }
  const card_ = cardSchema.safeParse(json ?? {});
  const configs = card_.success ? (card_.data.configs ?? []) : [];
  const chosen =
    config === undefined
      ? (configs.find((one) => one.default || one.config_name === "default") ?? configs[0])
      : configs.find((one) => one.config_name === config);
  if (!chosen && config !== undefined) {
    const known = configs.map((one) => one.config_name).join(", ") || "none";
    throw new DataError(`${where}: unknown configuration: ${config}; the card has ${known}`);
  }
  if (chosen?.data_files === undefined) return undefined;
  const splits = new Map<string, string[]>();
  for (const entry of listOf(chosen.data_files)) {
    const [split, paths] = typeof entry === "string" ? ["train", [entry]] : [entry.split, listOf(entry.path)];
    splits.set(split, [...(splits.get(split) ?? []), ...paths]);
  }
  return splits;
}

/** `data/train-*.parquet`: `*` and `?` stay within a folder, `**` does not. */
export function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/^\.\//, "")
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*\/|\*\*|\*|\?/g, (wild) =>
      wild === "**/" ? "(?:.*/)?" : wild === "**" ? ".*" : wild === "*" ? "[^/]*" : "[^/]",
    );
  return new RegExp(`^${source}$`);
}

const isData = (path: string) => DATA_ENDINGS.includes(extname(path).toLowerCase());

/** Words in file names that mean a split, and the splits' names. */
const SPLIT_WORDS: readonly (readonly [string, RegExp])[] = [
  ["train", /(?:^|[/_.-])train(?:ing)?(?=[/_.-]|$)/i],
  ["validation", /(?:^|[/_.-])(?:validation|valid|val|dev)(?=[/_.-]|$)/i],
  ["test", /(?:^|[/_.-])(?:test|testing|eval|evaluation)(?=[/_.-]|$)/i],
  ["testmini", /(?:^|[/_.-])testmini(?=[/_.-]|$)/i],
];

/** `data/easy-00000-of-00002.parquet`: how Hugging Face's `datasets` names the files of any split. */
const SHARD = /(?:^|\/)data\/(\w+)-\d{5}-of-\d{5}/;

function splitOfName(path: string): string {
  return SPLIT_WORDS.find(([, word]) => word.test(path))?.[0] ?? SHARD.exec(path)?.[1] ?? "train";
}

/** Splits by the words in file names; files that name none are `train`. */
function splitsByName(paths: readonly string[]): Map<string, string[]> {
  const splits = new Map<string, string[]>();
  for (const path of paths.filter(isData)) {
    const name = splitOfName(path);
    splits.set(name, [...(splits.get(name) ?? []), path]);
  }
  return splits;
}

export interface SplitRequest {
  /** Of all files in the folder, relative, with slashes. */
  readonly paths: readonly string[];
  /** Text of README.md, where there is one. */
  readonly card?: string;
  /** The folder or repository, for messages. */
  readonly where: string;
  readonly config?: string;
  /** Names that will do, best first. */
  readonly splits: readonly string[];
}

/**
 * The files of a split, in order of their names.
 * @throws DataError naming the splits there are
 */
export function filesOfSplit({ paths, card, where, config, splits }: SplitRequest): readonly string[] {
  const named = card === undefined ? undefined : cardSplits(card, `${where}: README.md`, config);
  const byName = splitsByName(paths);
  const known = named ? [...named.keys()] : [...byName.keys()];
  const split = splits.find((name) => known.includes(name));
  if (split === undefined) {
    const found =
      known.length > 0 ? `it has ${known.join(", ")}` : `it has no ${DATA_ENDINGS.join(", ")} file`;
    throw new DataError(`${where}: no split ${splits.join(" or ")}: ${found}; choose one with …@split`);
  }
  const globs = named?.get(split)?.map(globPattern);
  const chosen = globs ? paths.filter((path) => globs.some((glob) => glob.test(path))) : byName.get(split);
  if (!chosen || chosen.length === 0) {
    const listed = named?.get(split)?.join(", ");
    throw new DataError(`${where}: split ${split}: no file matches ${listed}; is the download complete?`);
  }
  return [...chosen].sort();
}
