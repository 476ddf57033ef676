import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckpointError } from "../../../src/core/errors.js";
import { whileHolding } from "../../../src/core/files/folderLock.js";
import { ownIdentity } from "../../../src/core/files/processIdentity.js";

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "lock-"));
  path = join(dir, "running.json");
});
afterEach(() => rm(dir, { recursive: true }));

const leave = (holder: object) =>
  writeFile(path, JSON.stringify({ task: "train", since: "2026-01-01T00:00:00.000Z", ...holder }));
const hold = () => whileHolding(dir, "evaluate", async () => "done");

describe("whileHolding(…)", () => {
  it("keeps others out while work is done, says who is there and what to do, and leaves nothing behind", async () => {
    const inner = whileHolding(dir, "train", async () => {
      const { since } = JSON.parse(await readFile(path, "utf8"));
      const refused = hold();
      await expect(refused).rejects.toBeInstanceOf(CheckpointError);
      const who = `sharegrpo train, process ${process.pid} on ${ownIdentity().host}, since ${since}`;
      await expect(refused).rejects.toThrow(
        `${dir}: in use: ${who}: wait for it, stop it, or choose another --out`,
      );
      return 7;
    });
    expect(await inner).toBe(7);
    expect(await readdir(dir)).toEqual([]);
    expect(await hold()).toBe("done");
  });

  it("gives the folder back after a failure, and makes one that is not there", async () => {
    const fails = whileHolding(join(dir, "new"), "train", () => Promise.reject(new Error("no")));
    await expect(fails).rejects.toThrow("no");
    expect(await readdir(join(dir, "new"))).toEqual([]);
    await writeFile(join(dir, "file"), "");
    await expect(whileHolding(join(dir, "file"), "train", hold)).rejects.toThrow(
      "a file is in the folder's place",
    );
  });

  it("is not stopped by a process that was killed", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await once(child, "spawn");
    await leave({ ...ownIdentity(), pid: child.pid, birth: null });
    await expect(hold()).rejects.toThrow(`process ${child.pid}`);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await hold()).toBe("done");
  });

  it.runIf(existsSync("/proc/self/stat"))(
    "is not stopped by a living process with a dead one's number",
    async () => {
      await leave({ ...ownIdentity(), birth: "1" });
      expect(await hold()).toBe("done");
    },
  );

  it("waits for a minute of silence where it cannot know whether the holder lives", async () => {
    await leave({ ...ownIdentity(), host: "other", machine: "other" });
    await expect(hold()).rejects.toThrow(`process ${process.pid} on other`);
    await expect(hold()).rejects.toThrow("if it is no more, try again in 60 s");
    const old = new Date(Date.now() - 61_000);
    await utimes(path, old, old);
    expect(await hold()).toBe("done");
  });

  it.each(["", '{"task": "tr', '{"pid": 1}'])("takes over a lock that names nobody: %j", async (text) => {
    await writeFile(path, text);
    expect(await hold()).toBe("done");
  });

  it("lets one of many take over a dead process's lock", async () => {
    await leave({ ...ownIdentity(), pid: 2 ** 22 + 1 });
    let inside = 0;
    const tries = Array.from({ length: 20 }, () =>
      whileHolding(dir, "train", async () => {
        expect(++inside).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 300));
        inside--;
      }),
    );
    const settled = await Promise.allSettled(tries);
    expect(settled.filter(({ status }) => status === "fulfilled").length).toBe(1);
    expect(await readdir(dir)).toEqual([]);
  });
});
