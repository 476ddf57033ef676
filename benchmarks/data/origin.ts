/**
 * @module Whether a data file is the published one: what scores of its rows may be compared with.
 */
import { dirname, resolve } from "node:path";
import type { DatasetInfo } from "../records.js";
import type { Dataset } from "./dataset.js";
import { samplesFolder } from "./locate.js";

/**
 * `published`: the MD5 is the published one; `sample`: a bundled file in the benchmark's format, not the benchmark;
 * `other`: another MD5; `unknown`: none is published.
 */
export const DATA_ORIGINS = ["published", "sample", "other", "unknown"] as const;
export type DataOrigin = (typeof DATA_ORIGINS)[number];

export function originOf({ md5 }: DatasetInfo, file: Dataset): DataOrigin {
  if (resolve(dirname(file.path)) === samplesFolder()) return "sample";
  if (md5 === undefined) return "unknown";
  return md5 === file.md5 ? "published" : "other";
}
