import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type PushRequest, pushedFiles, pushModel } from "../../src/data/hubPush.js";
import type { HubAccess } from "../../src/data/hubRepository.js";
import { COMMIT, type HubServer, startHub } from "../helpers/hubServer.js";

let hub: HubServer;
let access: HubAccess;
let request: PushRequest;
beforeEach(async () => {
  hub = await startHub({});
  hub.token = "hf_mine";
  access = { endpoint: hub.url, token: "hf_mine" };
  const folder = await mkdtemp(join(tmpdir(), "push-"));
  for (const [name, text] of [
    ["README.md", "# card"],
    ["config.json", "{}"],
    ["model.safetensors", "w".repeat(5000)],
    ["optimizer.safetensors", "m".repeat(5000)],
    ["state.json", "{}"],
    ["manifest.json", "{}"],
  ] as const)
    await writeFile(join(folder, name), text);
  request = { folder, id: "me/mine", isPrivate: true, title: "step 12" };
});
afterEach(() => hub.close());

describe("pushedFiles", () => {
  it("are the model's, also an adapter's, and not the optimizer's", () => {
    const names = [
      "adapter_config.json",
      "adapter_model.safetensors",
      "optimizer.safetensors",
      "state.json",
      "x.bin",
    ];
    expect(pushedFiles(names)).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  });
});

describe("pushModel(…)", () => {
  it("makes the repository and sends card, network and weights in one commit", async () => {
    const phases: string[] = [];
    const pushed = await pushModel(request, { ...access, onProgress: ({ phase }) => phases.push(phase) });
    const files = ["README.md", "config.json", "model.safetensors"];
    expect(pushed).toEqual({ url: `${hub.url}/me/mine`, commit: COMMIT, files });
    expect(hub.made).toMatchObject([{ name: "mine", organization: "me", visibility: "private" }]);
    const [commit] = hub.commits;
    expect(commit?.title).toBe("step 12");
    expect(Object.keys(commit?.files ?? {}).toSorted()).toEqual(files);
    expect(Buffer.from(commit?.files["model.safetensors"] ?? []).toString()).toBe("w".repeat(5000));
    expect(phases).toContain("uploading");
  });

  it("goes on with a repository that is there", async () => {
    await pushModel(request, access);
    await pushModel({ ...request, title: "step 13" }, access);
    expect(hub.commits.map(({ title }) => title)).toEqual(["step 12", "step 13"]);
  });

  it("says what is missing, and sends nothing", async () => {
    const { token: _, ...anonymous } = access;
    await expect(pushModel(request, anonymous)).rejects.toThrow("push: HF_TOKEN is not set");
    const empty = await mkdtemp(join(tmpdir(), "empty-"));
    await expect(pushModel({ ...request, folder: empty }, access)).rejects.toThrow("missing weights");
    await expect(pushModel(request, { ...access, token: "hf_other" })).rejects.toThrow(
      /\/me\/mine: the hub refuses: HTTP 401: .*; set HF_TOKEN to a token that may write there/,
    );
    expect(hub.commits).toEqual([]);
  });
});
