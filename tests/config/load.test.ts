import { describe, expect, it } from "vitest";
import { engineKey } from "../../src/config/load.js";

describe("engineKey", () => {
  it.each<readonly [env: Readonly<Record<string, string>>, key: string | undefined]>([
    [{}, undefined],
    [{ SHAREGRPO_ENGINE_KEY: "own" }, "own"],
    [{ TINKER_API_KEY: "sdk" }, "sdk"],
    [{ SHAREGRPO_ENGINE_KEY: "own", TINKER_API_KEY: "sdk" }, "own"],
    [{ SHAREGRPO_ENGINE_KEY: "", TINKER_API_KEY: "sdk" }, "sdk"],
    [{ SHAREGRPO_ENGINE_KEY: "", TINKER_API_KEY: "" }, undefined],
  ])("of %j is %s", (env, key) => {
    expect(engineKey(env)).toBe(key);
  });
});
