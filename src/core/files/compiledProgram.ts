/**
 * @module Programs of this package that run in a process of their own.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../errors.js";
import { packageRoot } from "./packageRoot.js";

/**
 * The compiled program, also when its asker runs from TypeScript source.
 * @param path below `dist`
 * @throws ConfigError when it is not built
 */
export function compiledProgram(path: string): string {
  const program = join(packageRoot(), "dist", path);
  if (existsSync(program)) return program;
  throw new ConfigError(`${program}: missing: run \`npm run build\` first`);
}
