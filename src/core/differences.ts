/**
 * @module What differs between two sets of settings, for whoever resumes a run with other ones.
 */
import { canonicalJson } from "./files/digest.js";

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** `decoding.temperature: 0, now 0.7`, for every setting that differs. */
export function differences(before: unknown, now: unknown, at = ""): string[] {
  if (canonicalJson(before ?? null) === canonicalJson(now ?? null)) return [];
  if (!isObject(before) || !isObject(now)) {
    return [`${at}: ${JSON.stringify(before) ?? "unset"}, now ${JSON.stringify(now) ?? "unset"}`];
  }
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return keys.flatMap((key) => differences(before[key], now[key], at === "" ? key : `${at}.${key}`));
}
