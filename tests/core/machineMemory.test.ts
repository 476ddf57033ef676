import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { machineMemory } from "../../src/core/machineMemory.js";
import { temporaryFolder } from "../support/fakeModel.js";

const GB = 2 ** 30;
const MEMINFO = `MemTotal: ${16 * 2 ** 20} kB\nMemFree: 100 kB\nMemAvailable: ${10 * 2 ** 20} kB\n`;

/** A machine whose files say this. */
async function machine(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

describe("machineMemory", () => {
  it("is what the system counts as available where no group limits it", async () => {
    const root = await machine({
      "proc/meminfo": MEMINFO,
      "proc/self/cgroup": "0::/user\n",
      "sys/fs/cgroup/user/memory.max": "max\n",
      "sys/fs/cgroup/user/memory.current": "1000\n",
    });
    expect(await machineMemory(root)).toEqual({
      total: 16 * GB,
      available: 10 * GB,
      limitedBy: "machine",
    });
  });

  it("is what the tightest group above the process has left, unread file pages not counted", async () => {
    // 4 GB allowed above, 3 GB used of which 1 GB is cache: 2 GB left.
    const root = await machine({
      "proc/meminfo": MEMINFO,
      "proc/self/cgroup": "0::/jobs/one\n",
      "sys/fs/cgroup/jobs/memory.max": `${4 * GB}\n`,
      "sys/fs/cgroup/jobs/memory.current": `${3 * GB}\n`,
      "sys/fs/cgroup/jobs/memory.stat": `anon 5\ninactive_file ${GB}\n`,
      "sys/fs/cgroup/jobs/one/memory.max": `${8 * GB}\n`,
      "sys/fs/cgroup/jobs/one/memory.current": "0\n",
    });
    expect(await machineMemory(root)).toEqual({
      total: 4 * GB,
      available: 2 * GB,
      limitedBy: "control group",
    });
  });

  // Where groups have a namespace, a process outside of it reads "/../../x" (cgroup_namespaces(7)).
  it.each(["0::/../../jobs", "0::/..", "0::/", "0::/of/the/host"])(
    "reads the group that a container sees where its own path leads elsewhere: %s",
    async (line) => {
      const root = await machine({
        "proc/meminfo": MEMINFO,
        "proc/self/cgroup": `${line}\n`,
        "sys/fs/cgroup/memory.max": `${2 * GB}\n`,
        "sys/fs/cgroup/memory.current": `${GB}\n`,
        "jobs/memory.max": "1\n",
        "sys/memory.max": "1\n",
      });
      expect(await machineMemory(root)).toEqual({ total: 2 * GB, available: GB, limitedBy: "control group" });
    },
  );

  it("has nothing left where a group uses more than it may, and counts no cache as less than nothing", async () => {
    const root = await machine({
      "proc/meminfo": MEMINFO,
      "proc/self/cgroup": "0::/\n",
      "sys/fs/cgroup/memory.max": `${GB}\n`,
      "sys/fs/cgroup/memory.current": `${2 * GB}\n`,
    });
    expect(await machineMemory(root)).toMatchObject({ total: GB, available: 0 });
  });

  it("reads groups of version 1", async () => {
    const root = await machine({
      "proc/meminfo": MEMINFO,
      "proc/self/cgroup": "5:cpu:/x\n4:memory,other:/box\n",
      "sys/fs/cgroup/memory/box/memory.limit_in_bytes": `${3 * GB}\n`,
      "sys/fs/cgroup/memory/box/memory.usage_in_bytes": `${2 * GB}\n`,
      "sys/fs/cgroup/memory/box/memory.stat": `total_inactive_file ${GB}\n`,
    });
    expect(await machineMemory(root)).toMatchObject({ total: 3 * GB, available: 2 * GB });
  });

  it("falls back on what every system tells", async () => {
    const { total, available } = await machineMemory(await machine({}));
    expect(available).toBeGreaterThan(0);
    expect(available).toBeLessThanOrEqual(total);
  });
});
