/**
 * @module One process at a time in a run folder: two that append to the same files would mix their rows.
 *
 * The holder's name stands in `running.json`, whose time it renews every few seconds. A file without a living holder
 * (`kill -9`, a power cut) counts for nothing: at once where the holder ran on this machine, after a minute of silence
 * where that cannot be known (another host or container, before a restart). So no lock outlives its holder for long.
 */
import { randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { CheckpointError, codeOf } from "../errors.js";
import { makeFolder, writeError } from "./atomic.js";
import { fateOf, ownIdentity } from "./processIdentity.js";

const FILE = "running.json";
const RENEW_MS = 10_000;
const SILENCE_MS = 60_000;
/** A holder writes its name right after making the file. */
const NAMING_MS = 200;

const holderSchema = z.object({
  /** What it does: "train", "evaluate". */
  task: z.string(),
  since: z.string(),
  pid: z.int(),
  host: z.string(),
  machine: z.string(),
  birth: z.string().nullable(),
});
type Holder = z.output<typeof holderSchema>;

interface Lock {
  readonly text: string;
  readonly renewedMs: number;
  /** Undefined where the text names nobody: the holder died while writing it. */
  readonly holder: Holder | undefined;
}

function holderOf(text: string): Holder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function readLock(path: string): Promise<Lock | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
    return { text, renewedMs: mtimeMs, holder: holderOf(text) };
  } catch {
    return undefined; // given back meanwhile
  }
}

function isHeld({ holder, renewedMs }: Lock): boolean {
  if (!holder) return false;
  const fate = fateOf(holder);
  return fate === "alive" || (fate === "unknown" && Date.now() - renewedMs < SILENCE_MS);
}

function refusal(dir: string, holder: Holder): CheckpointError {
  const { task, pid, host, since } = holder;
  const who = `sharegrpo ${task}, process ${pid} on ${host}, since ${since}`;
  const cure =
    fateOf(holder) === "alive"
      ? "wait for it, stop it, or choose another --out"
      : `wait for it or choose another --out; if it is no more, try again in ${SILENCE_MS / 1000} s`;
  return new CheckpointError(`${dir}: in use: ${who}: ${cure}`);
}

/** Makes the file unless it is there. */
async function create(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw writeError(path, error);
  }
}

/** Removes a lock that nobody holds. A newer one, made while this process was looking at the old, is put back. */
async function discard(path: string, stale: Lock): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return; // somebody else was quicker
  }
  const taken = await readLock(aside);
  if (taken && taken.text !== stale.text) await create(path, taken.text);
  await rm(aside, { force: true });
}

async function take(dir: string, path: string, text: string): Promise<void> {
  while (!(await create(path, text))) {
    let lock = await readLock(path);
    if (lock && !lock.holder) {
      await wait(NAMING_MS);
      lock = await readLock(path);
    }
    if (lock?.holder && isHeld(lock)) throw refusal(dir, lock.holder);
    if (lock) await discard(path, lock);
  }
}

/** Who works in a folder, or worked there until it died without a word. */
export interface FolderHolder {
  /** "train", "evaluate". */
  readonly task: string;
  /** ISO date. */
  readonly since: string;
  readonly isAlive: boolean;
}

/** The holder of a folder; undefined when nobody is, or the last one left as it should. */
export async function folderHolder(dir: string): Promise<FolderHolder | undefined> {
  const lock = await readLock(join(dir, FILE));
  if (!lock?.holder) return undefined;
  const { task, since } = lock.holder;
  return { task, since, isAlive: isHeld(lock) };
}

/**
 * Does work that nobody else may do in the same folder at the same time.
 * @param dir made when it is not there
 * @param task what holds it, for whoever is refused
 * @throws CheckpointError naming the process that holds the folder, or when nothing can be written there
 */
export async function whileHolding<T>(dir: string, task: string, work: () => Promise<T>): Promise<T> {
  const path = join(dir, FILE);
  const holder: Holder = { task, since: new Date().toISOString(), ...ownIdentity() };
  const text = `${JSON.stringify(holder)}\n`;
  await makeFolder(dir);
  await take(dir, path, text);
  const renewal = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined); // a folder that was removed meanwhile is noticed elsewhere
  }, RENEW_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    if ((await readLock(path))?.text === text) await rm(path, { force: true });
  }
}
