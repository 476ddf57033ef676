import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cudaRuntimeFolder,
  engineKey,
  hubEnvironment,
  packageIndex,
  packedCache,
  presetInput,
  resolveConfig,
  withOverride,
} from "../../src/config/load.js";

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

describe("hubEnvironment", () => {
  const HOME = "/home/me";
  const hub = (env: Readonly<Record<string, string>>) => hubEnvironment(env, HOME);

  it("is the public hub, and Hugging Face's own cache, where nothing is set", () => {
    expect(hub({})).toEqual({
      endpoint: "https://huggingface.co",
      modelCache: join(HOME, ".cache", "huggingface", "hub"),
      isOffline: false,
    });
  });

  it.each([
    ["https://mirror.example", "https://mirror.example"],
    ["https://mirror.example/", "https://mirror.example"],
    ["https://mirror.example/hub//", "https://mirror.example/hub"],
    ["", "https://huggingface.co"],
    ["/", "https://huggingface.co"],
  ])("asks HF_ENDPOINT %j as %s", (endpoint, expected) => {
    expect(hub({ HF_ENDPOINT: endpoint }).endpoint).toBe(expected);
  });

  it.each<readonly [env: Readonly<Record<string, string>>, model: string, data: string | undefined]>([
    [{ XDG_CACHE_HOME: "/x" }, "/x/huggingface/hub", undefined],
    [{ HF_HOME: "/hf" }, "/hf/hub", "/hf/sharegrpo/datasets"],
    [{ HF_HOME: "/hf", XDG_CACHE_HOME: "/x" }, "/hf/hub", "/hf/sharegrpo/datasets"],
    [{ HF_HUB_CACHE: "/c", HF_HOME: "/hf" }, "/c", "/hf/sharegrpo/datasets"],
    [{ HF_HUB_CACHE: "", HF_HOME: "", XDG_CACHE_HOME: "" }, `${HOME}/.cache/huggingface/hub`, undefined],
  ])("keeps what it fetches where %j says", (env, model, data) => {
    expect(hub(env).modelCache).toBe(model);
    expect(hub(env).cacheDir).toBe(data);
  });

  it.each(["1", "ON", "yes", "True"])("does not ask where either tool is told to be offline: %s", (flag) => {
    expect(hub({ HF_HUB_OFFLINE: flag }).isOffline).toBe(true);
    expect(hub({ TRANSFORMERS_OFFLINE: flag }).isOffline).toBe(true);
  });

  it.each(["", "0", "off", "no", "false", "2", "yes please"])("asks with the flag %j", (flag) => {
    expect(hub({ HF_HUB_OFFLINE: flag, TRANSFORMERS_OFFLINE: flag }).isOffline).toBe(false);
  });

  it("has a token only where one is set", () => {
    expect(hub({ HF_TOKEN: "hf_a" }).token).toBe("hf_a");
    expect(hub({ HF_TOKEN: "" })).not.toHaveProperty("token");
  });
});

describe("folders of what can be made again", () => {
  it.each<readonly [env: Readonly<Record<string, string>>, root: string]>([
    [{}, "/home/me/.cache"],
    [{ XDG_CACHE_HOME: "/x" }, "/x"],
    [{ HF_HOME: "/hf" }, "/hf"],
    [{ HF_HOME: "/hf", XDG_CACHE_HOME: "/x" }, "/hf"],
    [{ HF_HOME: "", XDG_CACHE_HOME: "" }, "/home/me/.cache"],
  ])("lie together, where %j says", (env, root) => {
    expect(packedCache(env, "/home/me")).toBe(`${root}/sharegrpo/packed`);
    expect(cudaRuntimeFolder("1.2.3", env, "/home/me")).toBe(`${root}/sharegrpo/onnxruntime-1.2.3-cuda`);
  });
});

describe("packageIndex", () => {
  it("is pip's own unless another is named", () => {
    expect(packageIndex({})).toBe("https://pypi.org/simple");
    expect(packageIndex({ PIP_INDEX_URL: "" })).toBe("https://pypi.org/simple");
    expect(packageIndex({ PIP_INDEX_URL: "https://own/simple" })).toBe("https://own/simple");
  });
});

describe("names that every object inherits", () => {
  const INHERITED = ["__proto__", "constructor", "toString", "hasOwnProperty"];

  it.each(INHERITED)("%s is no setting, in a file or on the command line", (name) => {
    const inFile: unknown = JSON.parse(`{ ${JSON.stringify(name)}: { "seed": 5 } }`);
    expect(() => resolveConfig(inFile, "x")).toThrow(`x: unknown setting ${name}`);
    expect(() => resolveConfig(withOverride({}, `${name}.seed=5`), "x")).toThrow(
      `x: unknown setting ${name}`,
    );
    expect(() => resolveConfig(withOverride({}, `update.${name}=5`), "x")).toThrow(
      `x: unknown setting update.${name}`,
    );
    expect(() => presetInput(name)).toThrow(`unknown preset: ${name}`);
    expect(() => resolveConfig({ mode: name }, "x")).toThrow("x: mode");
    expect(resolveConfig({}, "x").seed).not.toBe(5);
  });
});

describe("withOverride", () => {
  const keys = fc.array(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 4 });
  const values = fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.stringMatching(/^x[a-z ]*[a-z]$/),
  );
  const valueAt = (settings: unknown, path: readonly string[]): unknown =>
    path.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], settings);

  it("sets one value, leaves its argument and what stands beside the value alone", () => {
    fc.assert(
      fc.property(keys, values, (path, value) => {
        const settings = { beside: { deep: 1 }, [path[0] ?? ""]: { kept: 2 } };
        const before = structuredClone(settings);
        const changed = withOverride(settings, `${path.join(".")}=${value}`);
        expect(valueAt(changed, path)).toEqual(value);
        expect(settings).toEqual(before);
        if (path[0] !== "beside") expect(changed["beside"]).toEqual({ deep: 1 });
        if (path.length > 1 && path[1] !== "kept") expect(valueAt(changed, [path[0] ?? "", "kept"])).toBe(2);
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it("lets the later of two assignments of one key win, and keeps those of two keys", () => {
    fc.assert(
      fc.property(keys, fc.integer(), fc.integer(), (path, first, second) => {
        const key = path.join(".");
        const twice = withOverride(withOverride({}, `${key}=${first}`), `${key}=${second}`);
        expect(twice).toEqual(withOverride({}, `${key}=${second}`));
        const both = withOverride(withOverride({}, `${key}.p=${first}`), `${key}.q=${second}`);
        expect(valueAt(both, path)).toEqual({ p: first, q: second });
      }),
      { numRuns: 100, seed: 4 },
    );
  });

  it.each<readonly [string, unknown]>([
    ["a=1e-4", 1e-4],
    ["a=null", null],
    ["a=", null],
    ["a=true", true],
    ["a=yes", "yes"],
    ["a=x=y", "x=y"],
    ["a='1'", "1"],
    ["a=[1, two]", [1, "two"]],
    ["a={b: 1}", { b: 1 }],
  ])("reads %s as YAML 1.2 does", (assignment, value) => {
    expect(withOverride({}, assignment)).toEqual({ a: value });
  });
});
