import { execFileSync } from "node:child_process";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import { ModelError } from "../../../src/core/errors.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { startEngine } from "../../../src/engine/process/engineInProcess.js";
import { modelFolder } from "../../../src/model/load.js";

const local = localSettings(resolveConfig({}, "defaults"));

/** Engine processes of this one. */
function engineProcesses(): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  return lines
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => Number(match?.[2]) === process.pid && match?.[3]?.includes("engine/process/program"))
    .map((match) => Number(match?.[1]));
}

describe("startEngine", () => {
  it("passes on the engine's own errors, in their class", async () => {
    const engine = startEngine({ model: "/nowhere", local });
    await expect(engine.report()).rejects.toThrow(ModelError);
    await expect(engine.report()).rejects.toThrow("/nowhere: missing model folder");
    await engine.close();
  });

  // As the system does when memory runs out.
  it.skipIf(process.platform === "win32")(
    "fails every call once its process was killed, and can be closed",
    async () => {
      const engine = startEngine({ model: modelFolder("tiny"), local });
      expect((await engine.report()).residentBytes).toBeGreaterThan(0);
      const [pid = 0] = engineProcesses();
      process.kill(pid, "SIGSTOP");
      const underWay = engine.report();
      process.kill(pid, "SIGKILL");
      await expect(underWay).rejects.toThrow("engine: its process ended (SIGKILL): if memory ran out, lower");
      await expect(engine.report()).rejects.toThrow("its process ended");
      await engine.close();
    },
  );
});
