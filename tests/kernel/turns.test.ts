import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createTurns } from "../../src/kernel/turns.js";

it("turns are taken in order, each after the one before has ended", async () => {
  const turns = createTurns();
  const seen: string[] = [];
  const take = (name: string) =>
    turns.take(async () => {
      seen.push(`${name} begins`);
      await sleep(1);
      seen.push(`${name} ends`);
      return false;
    });
  await Promise.all([take("a"), take("b")]);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends"]);
});

it("a failed turn aborts those that wait, and not those that come later", async () => {
  const turns = createTurns();
  const aborted: boolean[] = [];
  const note = async (isAborted: boolean) => {
    aborted.push(isAborted);
    return false;
  };
  const failing = turns.take(async () => true);
  await Promise.all([failing, turns.take(note), turns.take(note)]);
  await turns.take(note);
  expect(aborted).toEqual([true, true, false]);
});
