/**
 * @module The most memory that processes take while something runs: pages of their own, and pages of files.
 */
import { readFile } from "node:fs/promises";
import process from "node:process";

/** Bytes. */
export interface MemoryPeak {
  /** What cannot be dropped: RssAnon. */
  readonly anonymous: number;
  /** Mapped files, which the system reads again where it must: RssFile. */
  readonly mapped: number;
}

const EVERY_MS = 50;

async function memoryOf(pid: number): Promise<MemoryPeak> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const bytes = (field: string) =>
    1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
  return { anonymous: bytes("RssAnon"), mapped: bytes("RssFile") };
}

/** This process's children, or itself. */
async function watchedPids(whose: "own" | "children"): Promise<number[]> {
  if (whose === "own") return [process.pid];
  const path = `/proc/${process.pid}/task/${process.pid}/children`;
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split(" ").map(Number).filter(Boolean);
}

/**
 * Runs `work` and samples memory meanwhile, on Linux; elsewhere the peaks are 0.
 * @param whose this process, or the one child that takes most
 */
export async function withMemoryPeak<T>(
  whose: "own" | "children",
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly peak: MemoryPeak }> {
  let peak: MemoryPeak = { anonymous: 0, mapped: 0 };
  const look = async () => {
    for (const pid of await watchedPids(whose)) {
      const now = await memoryOf(pid);
      peak = {
        anonymous: Math.max(peak.anonymous, now.anonymous),
        mapped: Math.max(peak.mapped, now.mapped),
      };
    }
  };
  const timer = setInterval(() => void look(), EVERY_MS);
  try {
    await look();
    return { result: await work(), peak };
  } finally {
    clearInterval(timer);
  }
}
