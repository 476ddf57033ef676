/**
 * @module Learns the merges of byte-level BPE (Sennrich et al. 2016): again and again the most frequent neighbours
 * become one token.
 */

/** Two tokens that become one. */
export type Merge = readonly [left: string, right: string];

interface Word {
  readonly parts: string[];
  readonly count: number;
}

const SEPARATOR = " ";
const keyOf = (left: string, right: string) => left + SEPARATOR + right;

function neighbours({ parts }: Word): string[] {
  return parts.slice(1).map((right, at) => keyOf(parts[at] as string, right));
}

/** The most frequent pair; of equals the one whose text sorts first, so the result depends on nothing else. */
function bestPair(counts: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined;
  let most = 1;
  for (const [pair, count] of counts) {
    if (count > most || (count === most && best !== undefined && pair < best)) {
      best = pair;
      most = count;
    }
  }
  return best;
}

function join(word: Word, left: string, right: string): Word {
  const parts: string[] = [];
  for (let at = 0; at < word.parts.length; at++) {
    const part = word.parts[at] as string;
    const isPair = part === left && word.parts[at + 1] === right;
    parts.push(isPair ? left + right : part);
    if (isPair) at++;
  }
  return { parts, count: word.count };
}

/**
 * @param words how often each pre-tokenised word occurs, spelt in byte characters
 * @param limit merges wanted; fewer when no pair is left that occurs twice
 */
export function trainMerges(words: ReadonlyMap<string, number>, limit: number): Merge[] {
  const list: Word[] = [...words].map(([word, count]) => ({ parts: [...word], count }));
  const counts = new Map<string, number>();
  const holders = new Map<string, Set<number>>();
  const tally = (at: number, sign: 1 | -1) => {
    const word = list[at] as Word;
    for (const pair of neighbours(word)) {
      counts.set(pair, (counts.get(pair) ?? 0) + sign * word.count);
      if (sign > 0) holders.set(pair, (holders.get(pair) ?? new Set()).add(at));
    }
  };
  list.forEach((_, at) => {
    tally(at, 1);
  });
  const merges: Merge[] = [];
  while (merges.length < limit) {
    const best = bestPair(counts);
    if (best === undefined) break;
    const [left, right] = best.split(SEPARATOR) as [string, string];
    merges.push([left, right]);
    for (const at of holders.get(best) ?? []) {
      tally(at, -1);
      list[at] = join(list[at] as Word, left, right);
      tally(at, 1);
    }
    counts.delete(best);
  }
  return merges;
}
