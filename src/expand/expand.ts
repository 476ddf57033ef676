/**
 * @module Question-space expansion: one question becomes m variants.
 *
 * Q_k = (ψ(I), τ + φ_k(T) + format prompt): φ_k draws words without replacement from the original and its offline
 * rewrites (Eq. 3); with probability p, ψ is one of the image transforms this question allows and τ its guidance
 * sentence (Eq. 4), else both are absent. Source: spec §2.1, §2.2.
 *
 * Departures from the released code, with the option that undoes them where there is one:
 * 1. Variant 0 keeps the original words; the code draws them like any rewrite (`isOriginalFirst`).
 * 2. The guidance stands in front of the first words; the code repeats it before every segment (`guidancePlacement`).
 * 3. Draws are keyed by question and variant; the code uses global generators.
 * 4. A question with fewer than m wordings repeats them with other views and says so; the code stops (`whenShort`).
 * 5. A question can forbid transforms; the code knows no exception.
 */

import { DataError } from "../core/errors.js";
import { given } from "../core/given.js";
import { imageBytes } from "../core/image/decode.js";
import type { Rng } from "../core/rng.js";
import { zip } from "../core/zip.js";
import { countMarkers, IMAGE_MARKER } from "../model/prompt.js";
import { type ImageSource, type Question, TRANSFORMS, type TransformName, type Variant } from "../records.js";
import { type GuidanceStyle, guidanceSentence } from "./guidance.js";
import { applyTransform, type NoiseRounding, type TransformOptions } from "./visual.js";

/** Before the first words, before every text segment (the released code), or after the last words (the paper). */
export type GuidancePlacement = "before" | "every-segment" | "after";

/** How variants are drawn from a question; the settings `expand`. */
export interface ExpandOptions {
  /** m. */
  readonly variants: number;
  /** p, per variant. */
  readonly transformProbability: number;
  /** Appended to the words after one space; may be empty. */
  readonly formatPrompt: string;
  /** Whether variant 0 keeps the original words; else the original is drawn like any rewrite. */
  readonly isOriginalFirst: boolean;
  /** Whether the original words may be a variant at all; true unless given. The paper's m variants are generated. */
  readonly includesOriginal?: boolean;
  /** With fewer wordings than variants: repeat them (unless given), or refuse the question. */
  readonly whenShort?: "repeat" | "refuse";
  /** Drawn from with equal chances; all nine unless given. */
  readonly transforms?: readonly TransformName[];
  /** `"nearest"` unless given. */
  readonly noiseRounding?: NoiseRounding;
  /** `"truthful"` unless given. */
  readonly guidanceStyle?: GuidanceStyle;
  /** Where the guidance stands; `"before"` the first words unless given. */
  readonly guidancePlacement?: GuidancePlacement;
}

/** A question expanded: its variants, and what there was to say about it. */
export interface Expansion {
  /** [M], in order of `index`. */
  readonly variants: readonly Variant[];
  /** What could not be done as asked, in sentences; empty when all is well. */
  readonly notes: readonly string[];
}

type Wording = Variant["wording"];
type View = Variant["transform"];

const wordsOf = (question: Question, wording: Wording): string =>
  wording === "original" ? question.text : (question.rewrites[wording] ?? question.text);

/** The original and every rewrite that differs and has the right number of markers. */
function usableWordings(question: Question): {
  readonly wordings: readonly Wording[];
  readonly notes: string[];
} {
  const expected = question.images.length;
  const found = countMarkers(question.text);
  if (found !== expected) {
    throw new DataError(
      `expandQuestion: invalid question "${question.id}": ${found} ${IMAGE_MARKER} markers for ${expected} images; give one marker per image`,
    );
  }
  const notes: string[] = [];
  const seen = new Set([question.text]);
  const wordings: Wording[] = ["original"];
  for (const [at, text] of question.rewrites.entries()) {
    const markers = countMarkers(text);
    if (markers !== expected) {
      notes.push(
        `question "${question.id}": rewrite ${at} is left out: ${markers} markers for ${expected} images`,
      );
    } else if (!seen.has(text)) {
      seen.add(text);
      wordings.push(at);
    }
  }
  return { wordings, notes };
}

/** The rewrites alone where the original is not wanted and there are any. */
function withoutOriginal(
  wordings: readonly Wording[],
  { includesOriginal }: ExpandOptions,
): readonly Wording[] {
  if (includesOriginal ?? true) return wordings;
  const rewrites = wordings.filter((wording) => wording !== "original");
  return rewrites.length > 0 ? rewrites : wordings;
}

/** m wordings; when there are fewer, the list starts again. */
function drawWordings(wordings: readonly Wording[], options: ExpandOptions, rng: Rng): Wording[] {
  const isFirst = options.isOriginalFirst && wordings.includes("original");
  const order = isFirst
    ? ["original" as const, ...rng.shuffle(wordings.filter((wording) => wording !== "original"))]
    : rng.shuffle(wordings);
  return Array.from({ length: options.variants }, (_, k) => order[k % order.length] ?? "original");
}

/** A view with probability p; a repeated wording gets a view it has not had, as long as there is one. */
function drawView(allowed: readonly TransformName[], taken: readonly View[], p: number, rng: Rng): View {
  const wanted: View = allowed.length > 0 && rng.uniform() < p ? rng.pick(allowed) : "none";
  if (!taken.includes(wanted)) return wanted;
  const fresh = allowed.filter((transform) => !taken.includes(transform));
  return fresh.length > 0 ? rng.pick(fresh) : wanted;
}

/** The words with guidance in front and the format prompt behind; leading markers stay in front. */
function composeText(words: string, view: View, options: ExpandOptions): string {
  const { formatPrompt } = options;
  const guided = view === "none" ? words : guideWords(words, view, options);
  return formatPrompt === "" ? guided : `${guided} ${formatPrompt}`;
}

function guideWords(words: string, transform: TransformName, options: ExpandOptions): string {
  const { guidanceStyle = "truthful", guidancePlacement = "before" } = options;
  const sentence = guidanceSentence(transform, guidanceStyle);
  if (guidancePlacement === "after") return `${words.trimEnd()} ${sentence}`;
  const segments = words.split(IMAGE_MARKER);
  const isWordy = (segment: string) => segment.trim() !== "";
  const first = segments.findIndex(isWordy);
  const guide = (segment: string, at: number) =>
    at === first || (guidancePlacement === "every-segment" && isWordy(segment))
      ? `${sentence} ${segment.trimStart()}`
      : segment;
  return segments.map(guide).join(IMAGE_MARKER);
}

/**
 * The m variants of a question.
 * @param rng already split by epoch or step; split here by question and variant, so order does not matter
 * @throws DataError when markers and images of the question disagree, or an image cannot be read
 */
export async function expandQuestion(
  question: Question,
  options: ExpandOptions,
  rng: Rng,
): Promise<Expansion> {
  const draws = rng.split("variant", question.id);
  const { wordings: usable, notes } = usableWordings(question);
  const wordings = withoutOriginal(usable, options);
  if (wordings.length < options.variants) {
    const what = `question "${question.id}": ${wordings.length} wordings for ${options.variants} variants`;
    if (options.whenShort === "refuse") {
      throw new DataError(
        `expandQuestion: ${what}; add rewrites, lower expand.variants, or set expand.whenShort=repeat`,
      );
    }
    notes.push(`${what}; they repeat, with other views where there are any`);
  }
  const allowed = allowedTransforms(question, options.transforms ?? TRANSFORMS);
  const chosen = drawWordings(wordings, options, draws.split("wording"));
  const views: View[] = [];
  for (const [k, wording] of chosen.entries()) {
    const taken = views.filter((_, earlier) => chosen[earlier] === wording);
    views.push(drawView(allowed, taken, options.transformProbability, draws.split("view", k)));
  }
  const variants = await Promise.all(
    zip(chosen, views).map(([wording, transform], index) =>
      variantOf(question, { wording, transform, index }, options, draws),
    ),
  );
  return { variants, notes };
}

/** Which variant: the words, the view, and its place among the question's variants. */
export type VariantChoice = Pick<Variant, "wording" | "transform" | "index">;

/** One variant of a question, as chosen. @param draws the question's stream, from which noise is drawn */
export async function variantOf(
  question: Question,
  { wording, transform, index }: VariantChoice,
  options: ExpandOptions,
  draws: Rng,
): Promise<Variant> {
  const where = `question "${question.id}"`;
  const { noiseRounding: rounding } = options;
  const images = await Promise.all(
    question.images.map((image, at) =>
      viewOf(image, transform, draws.split("noise", index, at), { where, ...given({ rounding }) }),
    ),
  );
  const text = composeText(wordsOf(question, wording), transform, options);
  return { questionId: question.id, index, wording, transform, text, images };
}

/** Every way in which a question can be asked: all usable wordings, and the views that its answer survives. */
export function waysOf(
  question: Question,
  { transforms = TRANSFORMS }: Pick<ExpandOptions, "transforms">,
): { readonly wordings: readonly Wording[]; readonly transforms: readonly TransformName[] } {
  const { wordings } = usableWordings(question);
  return { wordings, transforms: allowedTransforms(question, transforms) };
}

function allowedTransforms(question: Question, offered: readonly TransformName[]): readonly TransformName[] {
  const forbidden = question.forbiddenTransforms ?? [];
  return question.images.length === 0 ? [] : offered.filter((transform) => !forbidden.includes(transform));
}

/** The image, seen so; its pixels are decoded as the plain image's are. */
async function viewOf(
  image: ImageSource,
  view: View,
  rng: Rng,
  options: TransformOptions & { readonly where: string },
): Promise<ImageSource> {
  if (view === "none") return image;
  const where = image.kind === "path" ? `${options.where}: ${image.path}` : options.where;
  return {
    kind: "bytes",
    bytes: await applyTransform(await imageBytes(image), view, rng, { ...options, where }),
  };
}
