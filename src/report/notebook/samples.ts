/**
 * @module The sample viewer: images, prompt, thoughts, extracted answer, gold, verdict with its reason, parts of the
 * reward, advantages; filtered by style alone. What a model wrote is escaped.
 */
import type { RolloutRecord } from "../../core/files/runRecords.js";
import { zip } from "../../core/zip.js";
import type { ImageSource, QuestionGroup } from "../../records.js";
import { rolloutRecordOf } from "../../train/run/runFolder.js";
import { FILTER_STYLE, GALLERY_STYLE } from "../assets.js";
import { type AnswerCard, answerGallery, gallery, type Images } from "../gallery.js";
import { type EmbeddedImage, embedBytes, embedImages } from "../images.js";
import type { Run } from "../run.js";
import { type Displayable, JUPYTER_DISPLAY } from "./display.js";
import { htmlBundle } from "./markup.js";

/** What elements carry for where there is no sheet (markup.ts) gives way where there is one. */
const SHEET =
  ".filters { display: flex !important; } .variants { display: grid !important; } .response, .sample { border-color: var(--line) !important; }";
const STYLE = `${GALLERY_STYLE}${FILTER_STYLE}${SHEET}`;

/** An image of a live group has no file; its place in the group names it. */
async function embedSources(
  images: readonly { readonly name: string; readonly image: ImageSource }[],
): Promise<Images> {
  const embedded = await Promise.all(
    images.map(async ({ name, image }): Promise<EmbeddedImage> => embedBytes(name, image)),
  );
  return new Map(embedded.map((image) => [image.name, image]));
}

function textOf(rollout: RolloutRecord): string {
  const lines = rollout.responses.map(({ j, i, reward, text }) => {
    const verdict = reward.accuracy === 1 ? "correct" : "wrong";
    return `  variant ${j + 1}, response ${i + 1}: ${verdict} (${reward.reason}): ${text}`;
  });
  return [`${rollout.question} (gold ${rollout.gold})`, ...lines].join("\n");
}

function viewer(rollouts: readonly RolloutRecord[], images: () => Promise<Images>): Displayable {
  return {
    async [JUPYTER_DISPLAY]() {
      const content = gallery(rollouts, rollouts.length, await images());
      return htmlBundle(content, STYLE, rollouts.map(textOf).join("\n\n"));
    },
  };
}

/**
 * Questions with their variants side by side, each above the responses sampled from it.
 * @param step of training, from 1; 0: of none
 */
export function viewGroups(groups: readonly QuestionGroup[], step = 0): Displayable {
  const nameOf = (group: QuestionGroup, k: number, at: number) => `${group.question.id}-${k}-${at}`;
  const records = groups.map((group) =>
    rolloutRecordOf(
      step,
      group,
      group.variants.map(({ images }, k) => images.map((_, at) => nameOf(group, k, at))),
    ),
  );
  const images = groups.flatMap((group) =>
    group.variants.flatMap((variant, k) =>
      variant.images.map((image, at) => ({ name: nameOf(group, k, at), image })),
    ),
  );
  return viewer(records, () => embedSources(images));
}

/** The logged samples of a run folder. */
export function viewRun(run: Run, rollouts: readonly RolloutRecord[] = run.rollouts): Displayable {
  const names = rollouts.flatMap(({ variants }) => variants.flatMap(({ images }) => images));
  return viewer(rollouts, () => embedImages(run.dir, names));
}

/** An answered question of an evaluation or a benchmark, with its images. */
export interface AnsweredQuestion extends Omit<AnswerCard, "images"> {
  readonly images: readonly ImageSource[];
}

/** Questions with one response each. */
export function viewAnswers(answers: readonly AnsweredQuestion[]): Displayable {
  const named = answers.map(({ images, questionId }) =>
    images.map((image, at) => ({ name: `${questionId}-${at}`, image })),
  );
  const samples = zip(answers, named).map(([answer, names]) => ({
    ...answer,
    images: names.map(({ name }) => name),
  }));
  const plain = answers.map(({ question, gold, response, reward }) =>
    [`${question} (gold ${gold})`, `  ${reward.reason}: ${response}`].join("\n"),
  );
  return {
    async [JUPYTER_DISPLAY]() {
      const images = await embedSources(named.flat());
      return htmlBundle(answerGallery(samples, images), STYLE, plain.join("\n"));
    },
  };
}
