/**
 * @module Charts whose bars are stacks of blocks: read one, or add two.
 */

import type { Rng } from "../../../core/rng.js";
import { CELL, COLOURS, type Colour, ground, INK, line, rectangle } from "../ink.js";
import type { Draft, Picture } from "../scene.js";

const BLOCK = 14;

interface Bar {
  readonly colour: Colour;
  readonly blocks: number;
}

interface Chart {
  readonly bars: readonly Bar[];
  readonly picture: Picture;
}

/** Bars side by side on a base line, one column of the lattice each. */
function drawChart(heights: readonly number[], rng: Rng): Chart {
  const bars = rng
    .shuffle(COLOURS)
    .slice(0, heights.length)
    .map((colour, at): Bar => ({ colour, blocks: heights[at] ?? 0 }));
  const tallest = Math.max(...heights);
  const rows = tallest > 6 ? 5 : rng.integer(4, 6);
  const columns = rng.integer(Math.max(4, bars.length), 6);
  const shift = rng.integer(0, columns - bars.length + 1);
  const base = rows * CELL - BLOCK;
  const barWidth = rng.pick([18, 20, 22]);
  const blocks = bars.flatMap((bar, at) => {
    const x = (at + shift) * CELL + (CELL - barWidth) / 2;
    return Array.from({ length: bar.blocks }, (_, level) =>
      rectangle(
        { x, y: base - (level + 1) * BLOCK },
        barWidth,
        BLOCK,
        `fill="${INK[bar.colour]}" stroke="${INK.white}" stroke-width="2" data-mark="${bar.colour} block"`,
      ),
    );
  });
  const baseLine = line({ x: 3, y: base + 2 }, { x: columns * CELL - 3, y: base + 2 }, 3, INK.black);
  return {
    bars,
    picture: {
      width: columns * CELL,
      height: rows * CELL,
      ground: ground(rng),
      elements: [...blocks, baseLine],
    },
  };
}

/** Different heights of 1 … 8. */
function differentHeights(count: number, rng: Rng): number[] {
  return rng.shuffle([1, 2, 3, 4, 5, 6, 7, 8]).slice(0, count);
}

const readAloud = (bars: readonly Bar[]): string =>
  `bars: ${bars.map((bar) => `${bar.colour} ${bar.blocks}`).join(", ")}.`;

export function barValue(rng: Rng): Draft {
  const { bars, picture } = drawChart(differentHeights(rng.integer(3, 5), rng), rng);
  const { colour, blocks } = rng.pick(bars);
  const tallest = Math.max(...bars.map((bar) => bar.blocks));
  return {
    wordings: [
      `how many blocks are in the ${colour} bar?`,
      `what is the height of the ${colour} bar in blocks?`,
      `count the blocks of the ${colour} bar. how many do you see?`,
      `look at the ${colour} bar. how many blocks high is it?`,
      `in this chart, what is the number of blocks in the ${colour} bar?`,
    ],
    gold: String(blocks),
    reasoning: `${readAloud(bars)} the ${colour} bar has ${blocks}.`,
    shortcut: { reasoning: `the bar goes up to ${tallest}.`, answer: String(tallest) },
    picture,
  };
}

/** The hurried person takes the second bar to be as high as the first; in this share of charts it is. */
const EQUAL_BARS = 0.22;

export function barSum(rng: Rng): Draft {
  const [first = 1, second = 2, third = 3] = differentHeights(3, rng);
  const left = rng.uniform() < EQUAL_BARS ? [first, first, third] : [first, second, third];
  const { bars, picture } = drawChart(rng.shuffle(left), rng);
  const isEqualPair = new Set(left).size === 2;
  const candidates = isEqualPair ? bars.filter((bar) => bar.blocks === first) : bars;
  const [a, b] = rng.shuffle(candidates);
  if (a === undefined || b === undefined) throw new RangeError("barSum: needs two bars");
  const total = a.blocks + b.blocks;
  return {
    wordings: [
      `how many blocks do the ${a.colour} bar and the ${b.colour} bar have in all?`,
      `add the ${a.colour} bar and the ${b.colour} bar. how many blocks is that?`,
      `what is the total number of blocks in the ${a.colour} bar and the ${b.colour} bar?`,
      `count the blocks of the ${a.colour} bar and of the ${b.colour} bar. what is the sum?`,
      `put the ${a.colour} bar on the ${b.colour} bar. how many blocks high is it?`,
    ],
    gold: String(total),
    reasoning: `${readAloud(bars)} ${a.colour} has ${a.blocks}, ${b.colour} has ${b.blocks}. ${a.blocks}+${b.blocks}=${total}.`,
    shortcut: {
      reasoning: `both bars have ${a.blocks}, that makes ${2 * a.blocks}.`,
      answer: String(2 * a.blocks),
    },
    picture,
  };
}
