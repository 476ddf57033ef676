/**
 * @module Whether notebooks can run here: one finding for each thing they need, with its cure.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { messageOf } from "../core/errors.js";
import { packageRoot } from "../core/files/packageRoot.js";
import { findJupyter, type Jupyter } from "./jupyter.js";
import { kernelProgram } from "./kernelSpec.js";
import { LANGUAGE_INFO, TSLAB_VERSION } from "./language.js";

export interface Finding {
  readonly name: string;
  readonly isFine: boolean;
  /** What is there, or what is missing and how to cure it. */
  readonly note: string;
}

/** The version whose inner parts the kernel uses. */
const TSLAB_WANTED = "1.0.22";
const TYPESCRIPT_WANTED = "5.9";

function kernelFinding(): Finding {
  const name = "notebook kernel";
  const program = kernelProgram(packageRoot());
  if (!existsSync(program)) return { name, isFine: false, note: `${program} is missing: npm run build` };
  if (TSLAB_VERSION !== TSLAB_WANTED)
    return { name, isFine: false, note: `tslab ${TSLAB_VERSION}, ${TSLAB_WANTED} is wanted: npm ci` };
  try {
    createRequire(import.meta.url)("zeromq");
  } catch (error) {
    return { name, isFine: false, note: `zeromq cannot be loaded (${messageOf(error)}): npm rebuild zeromq` };
  }
  return { name, isFine: true, note: `tslab ${TSLAB_VERSION}` };
}

function compilerFinding(): Finding {
  const { version } = LANGUAGE_INFO;
  const isFine = version.startsWith(`${TYPESCRIPT_WANTED}.`);
  return {
    name: "TypeScript",
    isFine,
    note: isFine ? version : `${version}, ${TYPESCRIPT_WANTED} is wanted: npm ci`,
  };
}

function jupyterFinding(jupyter: Jupyter | undefined): Finding {
  const note = jupyter
    ? `${jupyter.frontEnd} ${jupyter.version} (${jupyter.program})`
    : "none: npm run lab installs it into .venv";
  return { name: "Jupyter", isFine: jupyter !== undefined, note };
}

/** What the kernel needs. */
export function kernelFindings(): Finding[] {
  return [kernelFinding(), compilerFinding()];
}

/** What notebooks need; starts Jupyter to ask for its version. */
export function notebookFindings(): Finding[] {
  return [...kernelFindings(), jupyterFinding(findJupyter(packageRoot()))];
}
