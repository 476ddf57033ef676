/**
 * @module Counter-based randomness: a number is a function of (seed, labels, counter) and of nothing else, so it
 * does not depend on batch order, on a resume, or on how many workers draw.
 *
 * Philox4x32-10 (Salmon et al., SC 2011). Labels are hashed into the key; the counter selects the draw.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High 32 bits of the product of two unsigned 32-bit numbers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const middleLow = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(middleLow / 65536)) >>> 0;
}

/** Ten Philox rounds of the 128-bit counter under the 64-bit key. Returns four unsigned 32-bit words. */
export function philox(counter: readonly [number, number, number, number], key: readonly [number, number]) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = mulHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3] as const;
}

/** FNV-1a over UTF-16 units, continued from `hash`. */
function hashString(text: string, hash: number): number {
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash;
}

/** What a stream's numbers follow from, besides the counter: plain data, so that streams can be sent to other threads. */
export type RngKey = readonly [number, number];

/** A named stream of random numbers. Holds a cursor; everything else about it is fixed by its name. */
export class Rng {
  private cursor = 0;
  private constructor(readonly key: RngKey) {}

  /** The stream of this key, from its first draw. */
  static fromKey(key: RngKey): Rng {
    return new Rng(key);
  }

  static fromSeed(seed: number): Rng {
    return new Rng([seed >>> 0, Math.floor(seed / 4294967296) >>> 0]);
  }

  /** A stream of its own for these labels: `rng.split("variant", questionId, epoch)`. */
  split(...labels: readonly (string | number)[]): Rng {
    const name = labels.map((label) => `${typeof label}:${label}`).join("\u0000");
    const words = philox(
      [hashString(name, 0x811c9dc5), hashString(name, 0x9747b28c), name.length, 0x5eed],
      this.key,
    );
    return new Rng([words[0], words[1]]);
  }

  /** Draw number `counter` of this stream, uniform in [0, 1) with 53 bits; does not move the cursor. */
  uniformAt(counter: number): number {
    const words = philox([counter >>> 0, Math.floor(counter / 4294967296) >>> 0, 0, 0], this.key);
    return ((words[0] >>> 5) * 67108864 + (words[1] >>> 6)) / 9007199254740992;
  }

  /** The next draw, uniform in [0, 1). */
  uniform(): number {
    return this.uniformAt(this.cursor++);
  }

  /** The next draw, an integer in [low, high). */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low));
  }

  /** The next draw from N(0, 1) (Box–Muller; uses two uniforms). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One element. @throws RangeError when there is none */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Rng.pick: nothing to pick from");
    return items[this.integer(0, items.length)] as T;
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.integer(0, last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
    }
    return shuffled;
  }
}
