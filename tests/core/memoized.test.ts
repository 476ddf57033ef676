import { describe, expect, it } from "vitest";
import { inTurn } from "../../src/core/inTurn.js";
import { memoized } from "../../src/core/memoized.js";

describe("memoized", () => {
  it("makes a thing once for settings that are written alike, whichever object they stand in", () => {
    const asked: unknown[] = [];
    const known = memoized((settings: { readonly rank: number }) => {
      asked.push(settings);
      return { made: settings.rank };
    });
    const first = known({ rank: 1 });
    expect(known({ rank: 1 })).toBe(first);
    expect(known({ rank: 2 })).toEqual({ made: 2 });
    expect(known({ rank: 1 })).toBe(first);
    expect(asked).toEqual([{ rank: 1 }, { rank: 2 }]);
  });

  it("knows what was made of nothing, and that nothing was made", () => {
    let calls = 0;
    const known = memoized((_: undefined) => {
      calls++;
      return undefined;
    });
    expect([known(undefined), known(undefined)]).toEqual([undefined, undefined]);
    expect(calls).toBe(1);
  });

  it("tries again after a fault", () => {
    let calls = 0;
    const known = memoized((_: string) => {
      if (++calls === 1) throw new Error("not yet");
      return calls;
    });
    expect(() => known("x")).toThrow("not yet");
    expect([known("x"), known("x")]).toEqual([2, 2]);
  });

  it("keeps apart what two makers made", () => {
    const [double, triple] = [memoized((n: number) => 2 * n), memoized((n: number) => 3 * n)];
    expect([double(2), triple(2), double(2)]).toEqual([4, 6, 4]);
  });
});

describe("inTurn", () => {
  /** Work that notes its beginning and end, and lasts until it is let go. */
  function works() {
    const notes: string[] = [];
    const letGo = new Map<string, (error?: Error) => void>();
    const work = (name: string) => () => {
      notes.push(`${name} begins`);
      return new Promise<string>((resolve, reject) => {
        letGo.set(name, (error) => {
          notes.push(`${name} ends`);
          if (error) reject(error);
          else resolve(name);
        });
      });
    };
    return { notes, letGo, work };
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it("starts work when all before it is done, in the order it was given", async () => {
    const { notes, letGo, work } = works();
    const take = inTurn();
    const results = [take(work("a")), take(work("b")), take(work("c"))];
    for (const name of ["a", "b", "c"]) {
      await settled();
      letGo.get(name)?.();
    }
    expect(await Promise.all(results)).toEqual(["a", "b", "c"]);
    expect(notes).toEqual(["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it("goes on after work that failed, whose error is its own caller's alone", async () => {
    const take = inTurn();
    const failing = take(() => Promise.reject(new Error("full disk")));
    const throwing = take(() => {
      throw new Error("no path");
    });
    const next = take(async () => "done");
    await expect(failing).rejects.toThrow("full disk");
    await expect(throwing).rejects.toThrow("no path");
    expect(await next).toBe("done");
  });

  it("of two makers do not wait for each other", async () => {
    const [one, other] = [works(), works()];
    const waiting = inTurn()(one.work("a"));
    const free = inTurn()(other.work("b"));
    await settled();
    other.letGo.get("b")?.();
    expect(await free).toBe("b");
    one.letGo.get("a")?.();
    expect(await waiting).toBe("a");
  });
});
