/**
 * @module Sample rows of MMMU: several pictures, marks that say where they stand, open questions.
 *
 * Traps on purpose. 1: a list of one picture. 2: two pictures. 3: the options are pictures. 4: a picture mentioned
 * twice. 5: a picture nobody mentions. 6: no mark at all. 7, 8: open questions. 9: an open question whose gold is one
 * letter, which VLMEvalKit takes for an option. 10: option D is the word `None`, which pandas takes for missing, and it
 * is the right one. 11: nine options.
 */
import type { RawRow } from "../data/tsv.js";
import {
  type Choice,
  listedChoice,
  numberChoice,
  optionColumns,
  pngBase64,
  pythonList,
  sampleScene,
  wordsOf,
} from "./drawings.js";
import type { SampleFile } from "./sampleFile.js";

/** A row before its place in the file is known. */
interface Draft {
  readonly pictures: readonly { readonly svg: string }[];
  readonly question: string;
  readonly options?: readonly string[];
  readonly answer: string;
  readonly split?: "dev";
}

const SUBJECTS: readonly (readonly [subject: string, domain: string])[] = [
  ["Art", "Art & Design"],
  ["Finance", "Business"],
  ["Pharmacy", "Health & Medicine"],
  ["History", "Humanities & Social Science"],
  ["Physics", "Science"],
  ["Electronics", "Tech & Engineering"],
];

function draftOf(choice: Choice, question: string, ...others: readonly { readonly svg: string }[]): Draft {
  return { pictures: [choice, ...others], question, options: choice.options, answer: choice.letter };
}

/** Three corners of different size; the options are the pictures. */
function pictureOptions(): Draft {
  const corners = [0, 1, 2, 3, 4, 5].map((at) => sampleScene("angle", at));
  const different = corners.filter(
    (scene, at) => corners.findIndex(({ gold }) => gold === scene.gold) === at,
  );
  const pictures = different.slice(0, 3);
  const wanted = Number.parseInt(pictures[1]?.gold ?? "", 10);
  return {
    pictures,
    question: `Which picture shows an angle of ${wanted} degrees?`,
    options: ["<image 1>", "<image 2>", "<image 3>"],
    answer: "B",
  };
}

/** How many marks there are, as a letter of the alphabet: an open question with a one-letter gold. */
function letterGold(): Draft {
  const scene = [20, 21, 22, 23, 24, 25]
    .map((at) => sampleScene("count", at))
    .find(({ gold }) => gold !== "0");
  const count = Number(scene?.gold ?? 1);
  return {
    pictures: scene ? [scene] : [],
    question: `<image 1> ${scene ? wordsOf(scene) : ""} write the number as a letter: A for one, B for two, and so on.`,
    answer: "ABCDEFGHIJKLMN".charAt(count - 1),
  };
}

function drafts(): readonly Draft[] {
  const count = numberChoice("count", 26);
  const dice = numberChoice("dice", 20);
  const bars = numberChoice("barValue", 20);
  const cell = listedChoice("grid", 20);
  const side = listedChoice("relation", 20);
  const open = sampleScene("barSum", 20);
  const nine = numberChoice("barValue", 22, 9);
  const corner = sampleScene("angle", 20);
  const shape = {
    svg: corner.svg,
    options: ["a circle", "a square", "a triangle", "None"],
    letter: "D",
    question: "",
  };
  return [
    { ...draftOf(count, `<image 1> ${count.question}`), split: "dev" },
    draftOf(dice, `<image 1> <image 2> Look at the first picture only. ${dice.question}`, bars),
    pictureOptions(),
    draftOf(cell, `<image 1> ${cell.question} Look at <image 1> once more before you answer.`),
    draftOf(side, `In <image 1>: ${side.question}`, bars),
    draftOf(bars, bars.question),
    { pictures: [open], question: `<image 1> ${wordsOf(open)}`, answer: open.gold },
    { pictures: [cell], question: "What is the shape of every cell in <image 1>?", answer: "square" },
    letterGold(),
    draftOf(shape, "<image 1> Which of these can be seen in the picture?"),
    draftOf(nine, `<image 1> ${nine.question}`),
    {
      ...draftOf(numberChoice("difference", 20), `<image 1> ${numberChoice("difference", 20).question}`),
      split: "dev",
    },
    draftOf(numberChoice("cards", 20), `<image 1> ${numberChoice("cards", 20).question}`),
    draftOf(listedChoice("relation", 21), `<image 1> ${listedChoice("relation", 21).question}`),
  ];
}

async function rowOf(draft: Draft, at: number): Promise<RawRow> {
  const [subject = "", domain = ""] = SUBJECTS[at % SUBJECTS.length] ?? [];
  const split = draft.split ?? "validation";
  const id = `${split}_${subject}_${at + 1}`;
  const pictures = await Promise.all(draft.pictures.map(pngBase64));
  const names = pictures.map((_, number) => `${id}_${number + 1}.png`);
  return {
    index: String(at + 1),
    id,
    question: draft.question,
    ...optionColumns(draft.options ?? []),
    answer: draft.answer,
    question_type: draft.options ? "multiple-choice" : "open",
    image: at > 0 && pictures.length === 1 ? (pictures[0] as string) : pythonList(pictures),
    image_path: pythonList(names),
    category: domain,
    "l2-category": subject,
    split,
  };
}

export async function mmmu(): Promise<SampleFile> {
  const columns = [
    ..."index id question".split(" "),
    ..."ABCDEFGHI",
    ..."answer question_type image image_path category l2-category split".split(" "),
  ];
  return { dataset: "MMMU_DEV_VAL", columns, rows: await Promise.all(drafts().map(rowOf)) };
}
