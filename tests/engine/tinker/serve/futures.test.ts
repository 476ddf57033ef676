import { describe, expect, it } from "vitest";
import { DataError } from "../../../../src/core/errors.js";
import { WireRequestError } from "../../../../src/engine/tinker/serve/backend.js";
import {
  createFutures as create,
  type FuturesOptions,
  KEPT_MS,
  TooManyTickets,
  UNFETCHED_MS,
} from "../../../../src/engine/tinker/serve/futures.js";

const createFutures = (options: Partial<FuturesOptions> = {}) => create({ maxOpen: 100, ...options });

/** Work that lasts until it is let go. */
function held<T>(value: T) {
  let letGo: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  return { work: () => over.then(() => value), letGo };
}

describe("a ticket", () => {
  it("is exchanged for the result, again and again", async () => {
    const futures = createFutures();
    const id = futures.start("m", async () => ({ loss: 1 }));
    const reply = { status: 200, body: { loss: 1 } };
    expect(await futures.retrieve(id, 1000)).toEqual(reply);
    expect(await futures.retrieve(id, 1000)).toEqual(reply);
  });

  it("has no result yet while the work goes on", async () => {
    const futures = createFutures();
    const { work, letGo } = held("done");
    const id = futures.start("m", work);
    expect(await futures.retrieve(id, 5)).toBeUndefined();
    letGo();
    expect(await futures.retrieve(id, 1000)).toEqual({ status: 200, body: "done" });
  });

  it("that nobody gave is 404, and so are all once they are forgotten", async () => {
    const futures = createFutures();
    const id = futures.start("m", async () => 1);
    expect(await futures.retrieve("none", 10)).toMatchObject({ status: 404 });
    futures.forget();
    expect(futures.has(id)).toBe(false);
    expect(await futures.retrieve(id, 10)).toMatchObject({ status: 404 });
  });

  it.each([
    [new WireRequestError("tokens: none"), 400, "tokens: none"],
    [new DataError("image: cut off"), 400, "image: cut off"],
    [new TypeError("x is undefined"), 500, "the engine failed; see the server's log"],
  ])("of work that ends in %s says what the client may know", async (error, status, detail) => {
    const heard: unknown[] = [];
    const futures = createFutures({ onError: (each) => heard.push(each) });
    const id = futures.start("m", () => Promise.reject(error));
    expect(await futures.retrieve(id, 1000)).toEqual({ status, body: { detail } });
    expect(heard).toEqual(status === 500 ? [error] : []);
  });
});

describe("work", () => {
  it("of one key is done in turn, also after a failure; of two keys at once", async () => {
    const futures = createFutures();
    const order: string[] = [];
    const noted = (name: string, work: () => Promise<unknown>) => async () => {
      order.push(name);
      return work();
    };
    const { work, letGo } = held(1);
    const ids = [
      futures.start("a", noted("a1", work)),
      futures.start(
        "a",
        noted("a2", () => Promise.reject(new WireRequestError("no"))),
      ),
      futures.start(
        "a",
        noted("a3", async () => 3),
      ),
      futures.start(
        "b",
        noted("b1", async () => 4),
      ),
    ];
    expect(await futures.retrieve(ids[3] as string, 1000)).toMatchObject({ body: 4 });
    expect(order).toEqual(["a1", "b1"]);
    letGo();
    expect(await futures.retrieve(ids[2] as string, 1000)).toMatchObject({ body: 3 });
    expect(order).toEqual(["a1", "b1", "a2", "a3"]);
  });
});

describe("a result that was fetched", () => {
  it("is kept for as long as a lost answer may be asked for again, and then let go", async () => {
    let time = 0;
    const futures = createFutures({ now: () => time });
    const id = futures.start("m", async () => "large");
    await futures.retrieve(id, 1000);
    time = KEPT_MS;
    futures.start("m", async () => 0);
    expect(await futures.retrieve(id, 1000)).toMatchObject({ status: 200 });
    time = KEPT_MS + 1;
    futures.start("m", async () => 0);
    expect(await futures.retrieve(id, 1000)).toMatchObject({ status: 410 });
    // Work that is sent again under its number is still known, and not done twice.
    expect(futures.has(id)).toBe(true);
  });
});

describe("a result that nobody fetched", () => {
  it("is kept for an hour, and then let go", async () => {
    let time = 0;
    const futures = createFutures({ now: () => time });
    const [early, late] = [futures.start("m", async () => "large"), futures.start("m", async () => "large")];
    await futures.retrieve(
      futures.start("m", async () => 0),
      1000,
    );
    time = UNFETCHED_MS;
    futures.start("m", async () => 0);
    expect(await futures.retrieve(early, 1000)).toMatchObject({ status: 200, body: "large" });
    time = UNFETCHED_MS + 1;
    futures.start("m", async () => 0);
    expect(await futures.retrieve(late, 1000)).toMatchObject({
      status: 410,
      body: { detail: expect.stringContaining("by nobody for an hour") },
    });
    expect(futures.has(late)).toBe(true);
  });

  it("is not let go while its work still waits", async () => {
    let time = 0;
    const futures = createFutures({ now: () => time });
    const { work, letGo } = held("done");
    const id = futures.start("m", work);
    time = 2 * UNFETCHED_MS;
    futures.start("n", async () => 0);
    letGo();
    expect(await futures.retrieve(id, 1000)).toMatchObject({ body: "done" });
  });
});

describe("more tickets than there may be", () => {
  it("are refused, whether work waits or results were not fetched, until one is", async () => {
    const futures = createFutures({ maxOpen: 2 });
    const { work, letGo } = held(1);
    const done: number[] = [];
    const first = futures.start("m", work);
    futures.start("m", async () => done.push(2));
    const more = () => futures.start("n", async () => done.push(3));
    expect(more).toThrow(TooManyTickets);
    expect(more).toThrow("limit of 2 requests that wait or whose results were not fetched: fetch results");
    letGo();
    expect(await futures.retrieve(first, 1000)).toMatchObject({ body: 1 });
    expect(await futures.retrieve(more(), 1000)).toMatchObject({ status: 200 });
    // The second ticket's result, which nobody fetched, counts.
    more();
    expect(more).toThrow(TooManyTickets);
    expect(done.sort()).toEqual([2, 3]);
  });

  it("do not keep out work that nobody asked for, which is done in turn", async () => {
    const futures = createFutures({ maxOpen: 1 });
    const order: string[] = [];
    const { work, letGo } = held(1);
    const id = futures.start("m", async () => {
      await work();
      order.push("asked");
    });
    const over = new Promise<void>((resolve) => {
      futures.run("m", async () => {
        order.push("own");
        resolve();
      });
    });
    letGo();
    await Promise.all([over, futures.retrieve(id, 1000)]);
    expect(order).toEqual(["asked", "own"]);
  });
});
