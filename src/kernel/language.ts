/**
 * @module How the kernel introduces itself, to front ends and in notebook files.
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

function versionOf(packageName: string): string {
  return (require(`${packageName}/package.json`) as { version: string }).version;
}

/** The kernel's folder below `notebooks/kernels`, and its name in notebook files: stock tslab's, so that both open them. */
export const KERNEL_NAME = "tslab";
export const KERNEL_DISPLAY_NAME = "TypeScript (tslab)";

/** What front ends colour and save code by. */
export const LANGUAGE_INFO = {
  name: "typescript",
  version: versionOf("typescript"),
  mimetype: "text/typescript",
  file_extension: ".ts",
  pygments_lexer: "typescript",
  // JupyterLab reads `mode`, the older Notebook `name` and `typescript`.
  codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
};

/** A notebook's metadata about its kernel. The language's version is left out: notebooks do not depend on it. */
export const KERNEL_METADATA = {
  kernelspec: { name: KERNEL_NAME, display_name: KERNEL_DISPLAY_NAME, language: LANGUAGE_INFO.name },
  language_info: { ...LANGUAGE_INFO, version: "" },
};

export const TSLAB_VERSION = versionOf("tslab");
