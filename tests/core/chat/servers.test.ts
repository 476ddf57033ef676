import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, type Clock, createServers, SYSTEM_CLOCK } from "../../../src/core/chat/servers.js";
import { ServerError } from "../../../src/core/errors.js";

const OPTIONS = { firstDelayMs: 100, maxDelayMs: 1000, maxWaitMs: 5000 };
const BASES = ["a", "b", "c"].map((host) => new URL(`http://${host}/v1`));

/** Time that passes only where somebody sleeps, or is told to. */
function fakeClock(): Clock & { readonly slept: number[]; pass(ms: number): void } {
  let time = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => time,
    pass: (ms) => {
      time += ms;
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      time += ms;
    },
  };
}

const busy = (retryAfterMs?: number) =>
  new ServerError("busy", {
    kind: "busy",
    url: "http://a/v1",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

function setUp(count = 3) {
  const clock = fakeClock();
  return { clock, servers: createServers(BASES.slice(0, count), OPTIONS, clock) };
}

describe("backoffMs", () => {
  it("doubles with every failure up to the longest, however many there were", () => {
    const delays = [1, 2, 3, 4, 5, 6, 100, 1e9].map((failures) => backoffMs(failures, OPTIONS));
    expect(delays).toEqual([100, 200, 400, 800, 1000, 1000, 1000, 1000]);
  });
});

describe("a turn", () => {
  it("goes to the least busy server, of equally busy ones to the one that waited longest", async () => {
    const { servers } = setUp();
    const hosts: string[] = [];
    const turns = [];
    for (let at = 0; at < 5; at++) {
      const turn = await servers.take(0);
      hosts.push(turn.base.hostname);
      turns.push(turn);
    }
    expect(hosts).toEqual(["a", "b", "c", "a", "b"]);
    turns[1]?.succeed();
    turns[4]?.release();
    // a has 2, b 0, c 1.
    expect([(await servers.take(0)).base.hostname, (await servers.take(0)).base.hostname]).toEqual([
      "b",
      "c",
    ]);
  });

  it("is fair: servers that answer at once get equally many", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 30 }),
        async (count, asked) => {
          const { servers } = setUp(count);
          const counts = new Map<string, number>();
          for (let at = 0; at < asked; at++) {
            const turn = await servers.take(0);
            counts.set(turn.base.hostname, (counts.get(turn.base.hostname) ?? 0) + 1);
            turn.succeed();
          }
          const all = BASES.slice(0, count).map(({ hostname }) => counts.get(hostname) ?? 0);
          expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe("a rest", () => {
  it("keeps a server out until it is over", async () => {
    const { servers, clock } = setUp(2);
    (await servers.take(0)).rest(busy());
    for (let at = 0; at < 3; at++) {
      const turn = await servers.take(0);
      expect(turn.base.hostname).toBe("b");
      turn.succeed();
    }
    clock.pass(100);
    expect((await servers.take(0)).base.hostname).toBe("a");
  });

  it("is waited for where every server rests, for the one that is back first, and spread by the jitter", async () => {
    const { servers, clock } = setUp(2);
    (await servers.take(0)).rest(busy(700));
    (await servers.take(0)).rest(busy(300));
    expect((await servers.take(0.5)).base.hostname).toBe("b");
    expect(clock.slept).toEqual([300 + 0.5 * 100]);
  });

  it("doubles while a server keeps failing and begins anew after a success", async () => {
    const { servers, clock } = setUp(1);
    for (let at = 0; at < 5; at++) (await servers.take(0)).rest(busy());
    (await servers.take(0)).succeed();
    (await servers.take(0)).rest(busy());
    await servers.take(0);
    expect(clock.slept).toEqual([100, 200, 400, 800, 1000, 100]);
  });

  it("of one outage counts once, however many requests met it", async () => {
    const { servers, clock } = setUp(1);
    const turns = [await servers.take(0), await servers.take(0), await servers.take(0)];
    clock.pass(1);
    for (const turn of turns) turn.rest(busy());
    await servers.take(0);
    expect(clock.slept).toEqual([100]);
  });

  it("is never shortened by a later answer of the same outage", async () => {
    const { servers, clock } = setUp(1);
    const turns = [await servers.take(0), await servers.take(0)];
    turns[0]?.rest(busy(3000));
    turns[1]?.rest(busy(10));
    await servers.take(0);
    expect(clock.slept).toEqual([3000]);
  });

  it("grows, too, where a server says each time that it may be asked at once", async () => {
    const { servers, clock } = setUp(1);
    for (let at = 0; at < 4; at++) (await servers.take(0)).rest(busy(0));
    await servers.take(0);
    expect(clock.slept).toEqual([100, 200, 400, 800]);
  });

  it("beyond all patience is an error that names the server and both times", async () => {
    const { servers } = setUp(1);
    (await servers.take(0)).rest(busy(5001));
    const waiting = servers.take(0);
    await expect(waiting).rejects.toThrow(ServerError);
    await expect(waiting).rejects.toThrow("http://a/v1: asks to wait 6 s, more than the 5 s allowed");
  });

  it("ends with the signal's reason when aborted, also where there is nothing to wait for", async () => {
    const reason = new Error("interrupted");
    const { servers } = setUp(1);
    await expect(servers.take(0, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const real = createServers(BASES.slice(0, 1), { ...OPTIONS, maxWaitMs: 1e9 }, SYSTEM_CLOCK);
    (await real.take(0)).rest(busy(1e8));
    const waiting = real.take(0, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
});
