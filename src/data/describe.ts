/**
 * @module What a data set looks like in numbers, and what to do about it.
 */
import { quantile } from "../core/stats.js";
import type { ImageConfig } from "../model/imageProcessor.js";
import { type ImageLimits, imageTokens } from "./pixels.js";
import { fingerprintOf } from "./rowContent.js";
import { type BadRow, countReasons, type RowFacts, type Survey } from "./survey.js";

/** A distribution; NaN where there is nothing to measure. */
export interface Spread {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface DataReport {
  readonly files: readonly string[];
  readonly rows: number;
  readonly usable: number;
  /** Usable rows whose prompts fit the limit. */
  readonly fitting: number;
  readonly bad: {
    readonly count: number;
    readonly reasons: readonly (readonly [string, number])[];
    readonly first: readonly BadRow[];
  };
  /** Pixels of an image as stored. */
  readonly pixels: Spread;
  /** Tokens of an image after the model's resizing. */
  readonly imageTokens: Spread;
  /** Tokens of a question as a prompt: image, words, format prompt. */
  readonly promptTokens: Spread;
  readonly imagesPerRow: Spread;
  readonly textOnlyShare: number;
  readonly rewritesShare: number;
  readonly rewritesPerRow: Spread;
  /** Rows with the same words, answer and images as one before. */
  readonly repeated: number;
  readonly suggestions: readonly string[];
}

const MOST_BAD_SHOWN = 20;

function spread(values: readonly number[]): Spread {
  const at = (q: number) => quantile(values, q);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

const share = (rows: readonly RowFacts[], has: (row: RowFacts) => boolean) =>
  rows.length === 0 ? Number.NaN : rows.filter(has).length / rows.length;

export interface DescribeOptions {
  readonly image: ImageConfig;
  readonly limits: ImageLimits;
  readonly maxPromptLength: number;
  /** m: wordings a question should have. */
  readonly variants: number;
}

/** Row groups beyond this make every read slow and large. */
const LARGE_READ_BYTES = 512e6;
/** A tail of images this much larger than the median decides the memory of a step. */
const LONG_TAIL = 4;

function suggestionsFor(
  found: Survey,
  report: Omit<DataReport, "suggestions">,
  options: DescribeOptions,
): string[] {
  const { promptTokens, imageTokens: tokens, pixels } = report;
  const said: (string | false)[] = [
    report.bad.count > 0 && `repair ${report.bad.count} bad rows, or leave them out with data.badRows=skip`,
    report.fitting < report.usable &&
      `${report.usable - report.fitting} questions are longer than data.maxPromptLength=${options.maxPromptLength}; they are left out`,
    promptTokens.max < options.maxPromptLength / 2 &&
      `no prompt is longer than ${promptTokens.max} tokens: data.maxPromptLength=${Math.ceil(promptTokens.max / 64) * 64} is enough`,
    tokens.max > LONG_TAIL * tokens.p50 &&
      `the largest image takes ${Math.round(tokens.max)} tokens, the median one ${Math.round(tokens.p50)}: data.maxPixels=${Math.round(pixels.p90)} would bound memory and time`,
    report.rewritesShare < 1 &&
      options.variants > 1 &&
      `${Math.round(100 * (1 - report.rewritesShare))} % of the questions have no rewrites: make them with sharegrpo expand, or variants differ by their images alone`,
    report.repeated > 0 && `${report.repeated} questions are repeated: they count twice in every epoch`,
    found.largestReadBytes > LARGE_READ_BYTES &&
      `a row group holds ${Math.round(found.largestReadBytes / 1e6)} MB and is read whole: write the file again with 100 rows a group`,
  ];
  return said.filter((line) => line !== false);
}

/** Summary of a survey that measured all prompts. */
export function describeSurvey(found: Survey, options: DescribeOptions): DataReport {
  const rows = found.kept;
  const sizes = rows.flatMap((row) => row.sizes);
  const report = {
    files: found.paths,
    rows: found.rows,
    usable: rows.length,
    fitting: rows.filter(({ isOverlong }) => !isOverlong).length,
    bad: {
      count: found.bad.length,
      reasons: countReasons(found.bad),
      first: found.bad.slice(0, MOST_BAD_SHOWN),
    },
    pixels: spread(sizes.map(({ width, height }) => width * height)),
    imageTokens: spread(sizes.map((size) => imageTokens(size, options.image, options.limits))),
    promptTokens: spread(rows.flatMap(({ promptTokens }) => promptTokens ?? [])),
    imagesPerRow: spread(rows.map((row) => row.sizes.length)),
    textOnlyShare: share(rows, (row) => row.sizes.length === 0),
    rewritesShare: share(rows, (row) => row.rewrites > 0),
    rewritesPerRow: spread(rows.map((row) => row.rewrites)),
    repeated: rows.length - new Set(rows.map(({ content }) => fingerprintOf(content))).size,
  };
  return { ...report, suggestions: suggestionsFor(found, report, options) };
}
