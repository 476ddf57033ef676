import process from "node:process";
import { afterEach, describe, expect, it } from "vitest";
import { interruptSignal } from "../../src/core/interrupt.js";
import { type Interrupts, listenForInterrupts } from "../../src/kernel/interrupts.js";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("an interrupt", () => {
  let interrupts: Interrupts | undefined;
  afterEach(() => interrupts?.close());

  function start() {
    const seen: string[] = [];
    interrupts = listenForInterrupts({ stop: () => seen.push("stop"), onAsked: () => seen.push("asked") });
    return { seen, interrupts };
  }

  it("leaves a cell that does not listen", () => {
    const { seen, interrupts } = start();
    const turn = interrupts.begin();
    turn.rearm();
    interrupts.interrupt();
    expect(seen).toEqual(["stop"]);
    expect(turn.wasAsked()).toBe(false);
  });

  it("asks a cell that took interruptSignal(), and the second one leaves it", async () => {
    const { seen, interrupts } = start();
    const turn = interrupts.begin();
    const signal = interruptSignal();
    turn.rearm();
    await nextTurn();
    interrupts.interrupt();
    expect(seen).toEqual(["asked"]);
    expect([signal.aborted, turn.wasAsked()]).toEqual([true, true]);
    interrupts.interrupt();
    expect(seen).toEqual(["asked", "stop"]);
  });

  it("asks a cell that listens itself, also with once", () => {
    const { seen, interrupts } = start();
    const turn = interrupts.begin();
    process.once("SIGINT", () => seen.push("own"));
    turn.rearm();
    interrupts.interrupt();
    expect(seen.sort()).toEqual(["asked", "own"]);
  });

  it("does not wait for a cell because an earlier one listened, but tells that one too", async () => {
    const { seen, interrupts } = start();
    interrupts.begin();
    const earlier = interruptSignal();
    await nextTurn();
    const turn = interrupts.begin();
    turn.rearm();
    interrupts.interrupt();
    expect(seen).toEqual(["stop"]);
    expect(earlier.aborted).toBe(true);
  });
});

describe("interruptSignal", () => {
  it("is one signal until it is aborted, and a new one after that", async () => {
    const first = interruptSignal();
    expect(interruptSignal()).toBe(first);
    await nextTurn();
    process.emit("SIGINT");
    expect(first.aborted).toBe(true);
    const second = interruptSignal();
    expect(second).not.toBe(first);
    expect(second.aborted).toBe(false);
    await nextTurn();
    process.emit("SIGINT");
  });

  it("leaves one listener, however often it is called, and none after the interrupt", async () => {
    const before = process.listenerCount("SIGINT");
    for (let call = 0; call < 20; call++) interruptSignal();
    await nextTurn();
    expect(process.listenerCount("SIGINT")).toBe(before + 1);
    process.emit("SIGINT");
    expect(process.listenerCount("SIGINT")).toBe(before);
  });
});
