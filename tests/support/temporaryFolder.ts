/**
 * @module Vitest's global set-up: all temporary folders of a test run lie in one, which is removed at its end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "sharegrpo-tests-"));
  process.env["TMPDIR"] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
