/**
 * @module TensorFlow's own kernels for eager mode. The library that the npm package downloads for itself is TensorFlow
 * 2.9, on cards CUDA 11.2; so the package's C++ sources are compiled against the library inside Python's `tensorflow`.
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire, Module } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import util, { promisify } from "node:util";
import { nativeTensorflowFolder, settleTensorflow } from "../config/load.js";
import { ConfigError, messageOf } from "../core/errors.js";
import { replaceFolder } from "../core/files/folder.js";
import { given } from "../core/given.js";
import { tf } from "../core/tf.js";

/** What brings them. */
export const TENSORFLOW_COMMAND = "npx sharegrpo install-tensorflow --python PYTHON";

const PACKAGE = "@tensorflow/tfjs-node";
/** What it is compiled with, and the one dependency that its kernels load beside TensorFlow.js. */
const [HEADERS, PROTOBUF] = ["node-api-headers@1.9.0", "google-protobuf@3.21.4"];
/** In the package's folder, where it looks itself. */
export const BINDING = join("lib", "napi-v8", "tfjs_binding.node");
const NOTE = "built.json";
/** What its kernels ask for; they are given this program's TensorFlow.js. */
const STAND_INS = ["@tensorflow/tfjs", "@tensorflow/tfjs-core"] as const;
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"] as const;

/** A binding that was built here. */
export interface BuiltBinding {
  /** Python's TensorFlow: folder and version. Its libraries are loaded from there. */
  readonly tensorflow: string;
  readonly version: string;
}

const folderHere = (): string => nativeTensorflowFolder(tf.version_core);

/** What was built; undefined where nothing was, or the TensorFlow that it was built against has gone. */
export function builtBinding(folder = folderHere()): BuiltBinding | undefined {
  const note = join(folder, NOTE);
  if (!existsSync(note)) return undefined;
  const built = JSON.parse(readFileSync(note, "utf8")) as BuiltBinding;
  return existsSync(join(built.tensorflow, LIBRARIES[0])) ? built : undefined;
}

/** Node 23 removed two functions that tfjs-node 4.22 calls. */
export function restoreRemovedUtilities(): void {
  const isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  if (!("isNullOrUndefined" in util)) Object.assign(util, { isNullOrUndefined, isArray: Array.isArray });
}

/** Registers the backend `tensorflow`: the package's kernels on this program's TensorFlow.js, not on another copy of it. */
export function registerBuilt(folder = folderHere()): void {
  settleTensorflow();
  restoreRemovedUtilities();
  const load = createRequire(join(folder, "package.json"));
  for (const name of STAND_INS) {
    const asked = load.resolve(name);
    load.cache[asked] = Object.assign(new Module(asked), { exports: tf, loaded: true });
  }
  load("./dist/register_all_kernels.js");
  const { NodeJSKernelBackend } = load("./dist/nodejs_kernel_backend.js") as {
    NodeJSKernelBackend: new (binding: unknown, name: string) => InstanceType<typeof tf.KernelBackend>;
  };
  const binding: unknown = load(`./${BINDING}`);
  tf.registerBackend("tensorflow", () => new NodeJSKernelBackend(binding, PACKAGE));
}

/** Whether the loaded backend computes on a card. */
export function isOnCard(): boolean {
  const backend = tf.findBackend("tensorflow") as { isUsingGpuDevice?: boolean } | null;
  return backend?.isUsingGpuDevice === true;
}

export interface InstallTensorflowOptions {
  /** Python that has TensorFlow. */
  readonly python: string;
  /** Default: the cache folder of the version. */
  readonly folder?: string;
  readonly signal?: AbortSignal;
}

/** Runs a program. @throws ConfigError with what it said last, and what to do */
async function run(
  [program, ...args]: readonly [string, ...string[]],
  cure: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, given({ signal }))).stdout;
  } catch (cause) {
    signal?.throwIfAborted();
    const said = String((cause as { stderr?: string }).stderr || messageOf(cause)).trim();
    throw new ConfigError(`install-tensorflow: ${program}: ${said.split("\n").at(-1)}: ${cure}`, { cause });
  }
}

const WHERE = `
import importlib.metadata as m, importlib.util as u, json
names = m.packages_distributions().get("tensorflow") or exit("it has no tensorflow")
print(json.dumps({"tensorflow": u.find_spec("tensorflow").submodule_search_locations[0], "version": m.version(names[0])}))`;

/** Where Python has TensorFlow, without importing it. */
async function findTensorflow({ python, signal }: InstallTensorflowOptions): Promise<BuiltBinding> {
  const cure = "name one with `pip install tensorflow` (tensorflow[and-cuda] for a card) by --python";
  const found = JSON.parse(await run([python, "-c", WHERE], cure, signal)) as BuiltBinding;
  const wanted = [...LIBRARIES, join("include", "tensorflow", "c", "eager", "c_api.h")];
  const missing = wanted.filter((file) => !existsSync(join(found.tensorflow, file)));
  if (missing.length === 0) return found;
  throw new ConfigError(
    `install-tensorflow: ${found.tensorflow}: missing ${missing.join(", ")}: TensorFlow 2.21 has them`,
  );
}

/** A package's files from npm's registry, without those that it depends on. */
async function unpack(name: string, folder: string, signal: AbortSignal | undefined): Promise<void> {
  await mkdir(folder, { recursive: true });
  const pack = ["pack", name, "--json", "--pack-destination", folder] as const;
  const said = await run(["npm", ...pack], "is npm's registry reachable?", signal);
  const [{ filename }] = JSON.parse(said) as [{ filename: string }];
  const archive = join(folder, filename.replace(/^@/, "").replace("/", "-"));
  await run(["tar", "-xzf", archive, "-C", folder, "--strip-components=1"], "is tar installed?", signal);
  await rm(archive);
}

/**
 * Builds the binding of this TensorFlow.js, in some ten seconds, for backend `tensorflow` to be found.
 * @throws ConfigError on other systems than Linux, and when Python has no TensorFlow, or npm, tar or c++ fail
 */
export async function installTensorflow(
  options: InstallTensorflowOptions,
): Promise<BuiltBinding & { readonly folder: string }> {
  const { folder = folderHere(), signal } = options;
  if (process.platform !== "linux")
    throw new ConfigError(`install-tensorflow: unsupported on ${process.platform}: it needs Linux`);
  const found = await findTensorflow(options);
  await replaceFolder(folder, async (partial) => {
    const [headers, modules] = [join(partial, "headers"), join(partial, "node_modules")];
    const standIns = STAND_INS.map((name) => join(modules, name));
    await unpack(`${PACKAGE}@${tf.version_core}`, partial, signal);
    await unpack(HEADERS, headers, signal);
    await unpack(PROTOBUF, join(modules, "google-protobuf"), signal);
    for (const each of [...standIns, dirname(join(partial, BINDING))]) await mkdir(each, { recursive: true });
    await Promise.all(standIns.map((each) => writeFile(join(each, "index.js"), "")));
    const compile = [
      ...["-std=c++17", "-O2", "-fPIC", "-shared", "-DNAPI_VERSION=8"],
      ...["-I", join(headers, "include"), "-I", join(found.tensorflow, "include")],
      ...["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => join(partial, "binding", file)),
      ...["-L", found.tensorflow, ...LIBRARIES.map((name) => `-l:${name}`), `-Wl,-rpath,${found.tensorflow}`],
      ...["-o", join(partial, BINDING)],
    ];
    await run(["c++", ...compile], "install a C++ compiler, as in `apt-get install g++`", signal);
    await writeFile(join(partial, NOTE), JSON.stringify(found));
  });
  return { ...found, folder };
}
