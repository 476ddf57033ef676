import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { type PushRequest, pushedFiles, pushModel } from "../../src/data/hubPush.js";
import type { HubAccess } from "../../src/data/hubRepository.js";
import { COMMIT, type HubServer, startHub } from "../helpers/hubServer.js";

/** Bytes that no packing makes shorter. */
const rng = Rng.fromSeed(1);
const WEIGHTS = Buffer.from(Array.from({ length: 5000 }, () => rng.integer(0, 255)));

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
    ["model.safetensors", WEIGHTS],
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
    expect(commit?.files["model.safetensors"]).toEqual(WEIGHTS);
    expect(phases).toContain("uploading");
  });

  it("goes on with a repository that is there", async () => {
    await pushModel(request, access);
    await pushModel({ ...request, title: "step 13" }, access);
    expect(hub.commits.map(({ title }) => title)).toEqual(["step 12", "step 13"]);
  });

  it("goes on with a repository that is there, and that the token may not make", async () => {
    hub.refuseMakingWith = 403;
    await pushModel({ ...request, id: "someone/model" }, access);
    expect(hub.commits).toHaveLength(1);
    await expect(pushModel(request, access)).rejects.toThrow(
      /HTTP 403: .*; set HF_TOKEN to a token that may/,
    );
    expect(hub.commits).toHaveLength(1);
  });

  it.each([false, true])(
    "sends weights again whose upload broke off; in chunks, as Xet wants: %s",
    async (hasXet) => {
      hub.hasXet = hasXet;
      hub.brokenUploads = 3; // answered with 503, cut, 503
      await pushModel(request, { ...access, pauseMs: 1 });
      expect(hub.commits).toHaveLength(1);
      expect(hub.commits[0]?.files["model.safetensors"]).toEqual(WEIGHTS);
    },
  );

  it("says that the network fails when it goes on failing; what was sent is not sent again", async () => {
    hub.brokenUploads = 9;
    const failed = pushModel(request, { ...access, tries: 2, pauseMs: 1 });
    await expect(failed).rejects.toThrow(
      /\/me\/mine: cannot be reached: fetch failed \(.+\); check the network/,
    );
    expect(hub.commits).toEqual([]);
    hub.brokenUploads = 0;
    await pushModel(request, access);
    const uploads = () => hub.requests.filter((path) => path.startsWith("/upload/")).length;
    expect([uploads(), hub.commits.length]).toEqual([3, 1]);
    await pushModel(request, access);
    expect([uploads(), hub.commits.length]).toEqual([3, 2]);
  });

  it("ends with its signal, also while it waits to try again, and commits nothing", async () => {
    hub.brokenUploads = 9;
    const controller = new AbortController();
    const onProgress = ({ phase }: { readonly phase: string }) => {
      if (phase === "uploading") controller.abort();
    };
    const waiting = { ...access, pauseMs: 100_000, onProgress, signal: controller.signal };
    await expect(pushModel(request, waiting)).rejects.toThrow(controller.signal.reason);
    expect(hub.commits).toEqual([]);
  });

  it("says what is missing, and sends nothing", async () => {
    const { token: _, ...anonymous } = access;
    await expect(pushModel(request, anonymous)).rejects.toThrow("push: HF_TOKEN is not set");
    const empty = await mkdtemp(join(tmpdir(), "empty-"));
    await expect(pushModel({ ...request, folder: empty }, access)).rejects.toThrow("missing weights");
    await expect(pushModel(request, { ...access, token: "mine" })).rejects.toThrow(
      "HF_TOKEN: invalid token: expected one that begins with hf_",
    );
    await expect(pushModel(request, { ...access, token: "hf_other" })).rejects.toThrow(
      /\/me\/mine: the hub refuses: HTTP 401: .*; set HF_TOKEN to a token that may write there/,
    );
    expect(hub.commits).toEqual([]);
  });
});
