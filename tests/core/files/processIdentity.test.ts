import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { fateOf, ownIdentity } from "../../../src/core/files/processIdentity.js";

const isLinux = existsSync("/proc/self/stat");

/** The 22nd field, counted by hand: none of our own names holds a space. */
const birthOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[21];

describe("ownIdentity", () => {
  it("names this process, and the same one each time", () => {
    const own = ownIdentity();
    expect(own).toEqual(ownIdentity());
    expect(own.pid).toBe(process.pid);
    expect(own.host).toBe(hostname());
    expect(own.machine.split(" ")).toHaveLength(isLinux ? 3 : 1);
  });

  it.skipIf(!isLinux)("knows when it was born", () => {
    expect(ownIdentity().birth).toBe(birthOf(process.pid));
  });
});

describe("fateOf", () => {
  const own = ownIdentity();
  it("this process is alive", () => {
    expect(fateOf(own)).toBe("alive");
  });

  it("one of another machine, or of this one before a restart, cannot be known", () => {
    expect(fateOf({ ...own, machine: `${own.machine}x` })).toBe("unknown");
    expect(fateOf({ ...own, machine: "other-host", pid: 1 })).toBe("unknown");
  });

  it("a number that is nobody's is dead", () => {
    expect(fateOf({ ...own, pid: 2 ** 22 + 1 })).toBe("dead");
  });

  it.skipIf(!isLinux)("a number that was given again is another process: the one that had it is dead", () => {
    expect(fateOf({ ...own, birth: "1" })).toBe("dead");
  });

  it("where no birth was noted, the number decides", () => {
    expect(fateOf({ ...own, birth: null })).toBe("alive");
  });

  it.skipIf(!isLinux)(
    "a child is alive while it runs and dead once it was waited for, whatever its name",
    async () => {
      // Its name, the second field, holds a bracket and spaces: fields are counted from behind it.
      const program = "process.title = 'a) Z (b'; process.stdout.write('up'); process.stdin.resume()";
      const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });
      await once(child.stdout, "data");
      const pid = child.pid as number;
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const birth = stat.slice(stat.lastIndexOf(")")).split(" ")[20] as string;
      expect(fateOf({ ...own, pid, birth })).toBe("alive");
      child.kill("SIGKILL");
      await once(child, "close");
      expect(fateOf({ ...own, pid, birth })).toBe("dead");
    },
  );
});
