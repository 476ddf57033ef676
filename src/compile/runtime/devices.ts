/**
 * @module What runs graphs on this machine: every device is tried in a process of its own, because a driver can take
 * its process with it; and what is missing has the one command that mends it.
 */
import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";
import { ConfigError, messageOf } from "../../core/errors.js";
import { compiledProgram } from "../../core/files/compiledProgram.js";
import type { Device, Precision } from "./session.js";
import { type CardMemory, type Trial, tryDevice } from "./trial.js";

const LIMIT_MS = 120_000;

const TRIAL = "src/compile/runtime/trialProgram.js";

/** Tries a device in a process of its own. Never throws. */
export async function tryApart(device: Device): Promise<Trial> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [compiledProgram(TRIAL), device], {
      timeout: LIMIT_MS,
    });
    return JSON.parse(stdout) as Trial;
  } catch (error) {
    return { device, problem: messageOf(error) };
  }
}

/** What brings ONNX Runtime's CUDA provider of exactly the installed version. */
export const CUDA_COMMAND = "npx sharegrpo install-cuda";

/** ONNX Runtime's message without the places in its source. */
export function shortProblem(problem: string): string {
  const said = problem.replace(/^.*(?:with error: |was false\. |: FAIL : )/s, "");
  return said.trim().replace(/\s+/g, " ");
}

/** What to do about a device that does not work. */
export function cureOf({ device, problem = "", missing = [] }: Trial): string {
  if (device === "cpu") return "run `npm ci`";
  if (device === "webgpu") {
    const wants =
      process.platform === "linux"
        ? "a Vulkan driver: `apt-get install libvulkan1 libegl1 libgl1`"
        : "a driver";
    return `it wants a graphics card and ${wants}`;
  }
  if (
    /providers_(cuda|shared)\S*: cannot open/.test(problem) ||
    /not (enabled|available|supported)/i.test(problem)
  )
    return `on a machine with an NVIDIA card: \`${CUDA_COMMAND}\``;
  const named = /lib(?!onnxruntime)[\w.-]+\.so[\w.]*(?=: cannot open)/.exec(problem)?.[0];
  const libraries = missing.length > 0 ? missing : named === undefined ? [] : [named];
  const ofToolkit = libraries.filter((name) => !name.startsWith("libcuda.so"));
  if (ofToolkit.length < libraries.length)
    return "libcuda.so.1 is missing: install NVIDIA's driver for CUDA 13";
  if (ofToolkit.length > 0) {
    return `not on LD_LIBRARY_PATH: ${ofToolkit.join(", ")} of CUDA 13: \`pip install nvidia-cublas nvidia-cuda-runtime nvidia-curand nvidia-cuda-nvrtc\` and add their lib folders`;
  }
  return "see `nvidia-smi`: the driver must be one for CUDA 13";
}

/** A device that graphs run on, and its card. */
export type FoundDevice = Pick<Trial, "device" | "card">;

/**
 * The device to run graphs on. The CPU is taken as it is; others are tried.
 * @param wanted `auto`: cuda where a graph runs there, else the CPU
 * @throws ConfigError when it cannot be had, with what is missing and what mends it
 */
export async function findDevice(
  wanted: Device | "auto",
  attempt: (device: Device) => Promise<Trial> = tryApart,
): Promise<FoundDevice> {
  if (wanted === "cpu") return { device: wanted };
  const device = wanted === "auto" ? "cuda" : wanted;
  const trial = await attempt(device);
  if (trial.problem === undefined) return trial;
  if (wanted === "auto") return { device: "cpu" };
  throw new ConfigError(
    `engine.device=${device}: cannot be had: ${shortProblem(trial.problem)}: ${cureOf(trial)}; or set engine.device=cpu`,
  );
}

/** As `findDevice`, for who needs its name alone. */
export async function requireDevice(...asked: Parameters<typeof findDevice>): Promise<Device> {
  return (await findDevice(...asked)).device;
}

/**
 * Asked once the device is known, which `auto` is not beforehand.
 * @throws ConfigError where products are float32 alone
 */
export function requirePrecision(device: Device, precision: Precision): void {
  if (precision === "float32" || device === "cuda") return;
  throw new ConfigError(
    `engine.precision=${precision}: unsupported on ${device}: only a card has such products: set engine.precision=float32`,
  );
}

/** The memory of the card that graphs run on, asked for apart; undefined on other devices, and where none can be had. */
export async function cardMemory(device: Device): Promise<CardMemory | undefined> {
  return device === "cuda" ? (await tryApart(device)).card : undefined;
}

/** Every device, tried: the CPU here, the others apart. */
export function tryDevices(): Promise<Trial[]> {
  return Promise.all([tryDevice("cpu"), tryApart("cuda"), tryApart("webgpu")]);
}
