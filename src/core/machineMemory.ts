/**
 * @module How much memory this machine has left for a program: what the system counts as available, and what the
 * program's control group allows.
 */
import { readFile } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { dirname, join, sep } from "node:path";

export interface MachineMemory {
  /** Bytes of the machine, or of the control group where that has less. */
  readonly total: number;
  /** Bytes that a program can take without others being swapped out or killed. */
  readonly available: number;
  /** Whose limit `available` is. */
  readonly limitedBy: "machine" | "control group";
}

/** Usage of a control group: bytes. */
interface GroupMemory {
  readonly limit: number;
  readonly left: number;
}

async function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

/** `NAME: 123 kB` of /proc/meminfo, bytes. */
function meminfo(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text);
  return match ? 1024 * Number(match[1]) : undefined;
}

const FILES = {
  v2: { limit: "memory.max", usage: "memory.current", inactive: /^inactive_file (\d+)/m },
  v1: {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    inactive: /^total_inactive_file (\d+)/m,
  },
} as const;

/** What a group has left; pages of files that nobody reads any more do not count as used. */
async function groupMemory(folder: string, version: keyof typeof FILES): Promise<GroupMemory | undefined> {
  const { limit, usage, inactive } = FILES[version];
  const most = Number.parseInt(await textOf(join(folder, limit)), 10);
  if (!Number.isFinite(most)) return undefined;
  const used = Number.parseInt(await textOf(join(folder, usage)), 10);
  const idle = Number(inactive.exec(await textOf(join(folder, "memory.stat")))?.[1] ?? 0);
  return { limit: most, left: Math.max(0, most - (Number.isFinite(used) ? used - idle : 0)) };
}

/** Folders of a group and of all above it. A path that leads out of what this container sees says nothing but its top. */
function upwards(top: string, path: string): string[] {
  const folders = [join(top, path)];
  while (folders.at(-1) !== top && (folders.at(-1) as string).startsWith(`${top}${sep}`)) {
    folders.push(dirname(folders.at(-1) as string));
  }
  return folders.at(-1) === top ? folders : [top];
}

/** Limits of this process's control groups, of version 1 and 2. */
async function groups(root: string): Promise<GroupMemory[]> {
  const lines = (await textOf(join(root, "proc/self/cgroup"))).split("\n").map((line) => line.split(":"));
  const pathOf = (isMemory: (controllers: string) => boolean) =>
    lines.find(([, controllers]) => controllers !== undefined && isMemory(controllers))?.[2] ?? "/";
  const top = join(root, "sys/fs/cgroup");
  const v2 = upwards(
    top,
    pathOf((controllers) => controllers === ""),
  );
  const v1 = upwards(
    join(top, "memory"),
    pathOf((controllers) => controllers.split(",").includes("memory")),
  );
  const found = await Promise.all([
    ...v2.map((folder) => groupMemory(folder, "v2")),
    ...v1.map((folder) => groupMemory(folder, "v1")),
  ]);
  return found.filter((group) => group !== undefined);
}

/** @param root where `proc` and `sys` are; another one in tests */
export async function machineMemory(root = "/"): Promise<MachineMemory> {
  const text = await textOf(join(root, "proc/meminfo"));
  const total = meminfo(text, "MemTotal") ?? totalmem();
  const free = meminfo(text, "MemAvailable") ?? freemem();
  const limits = await groups(root);
  const left = Math.min(...limits.map((group) => group.left));
  return {
    total: Math.min(total, ...limits.map(({ limit }) => limit)),
    available: Math.min(free, left),
    limitedBy: left < free ? "control group" : "machine",
  };
}
