/**
 * @module Sample rows of MMStar and AI2D: four lettered columns and a letter.
 *
 * Traps on purpose. MMStar: row 12 has three options; option D of row 13 is the word `NA`, which pandas takes for
 * missing; row 14 borrows the picture of row 0; row 15 has no picture and is left out; row 3 has a quote, a tab and a
 * line break. AI2D: JPEG pictures; the second question about a picture refers to the first; `abcLabel` is boolean.
 */
import type { RawRow } from "../data/tsv.js";
import { type Choice, jpegBase64, listedChoice, numberChoice, optionColumns, pngBase64 } from "./drawings.js";
import type { SampleFile } from "./sampleFile.js";

const MMSTAR_CATEGORIES: readonly (readonly [category: string, level2: string])[] = [
  ["coarse perception", "image scene and topic"],
  ["fine-grained perception", "object counting"],
  ["instance reasoning", "cross-instance relation reasoning"],
  ["logical reasoning", "diagram reasoning"],
  ["math", "numeric commonsense and calculation"],
  ["science & technology", "natural science"],
];

const MMSTAR_CHOICES: readonly Choice[] = [
  listedChoice("grid", 0),
  numberChoice("count", 0),
  listedChoice("relation", 0),
  numberChoice("difference", 0),
  numberChoice("dice", 0),
  numberChoice("barValue", 0),
  listedChoice("grid", 1),
  numberChoice("count", 1),
  listedChoice("relation", 1),
  numberChoice("cards", 0),
  numberChoice("barSum", 0),
  numberChoice("barValue", 1),
  numberChoice("count", 2, 3),
];

async function mmStarRow(choice: Choice, at: number): Promise<RawRow> {
  const [category = "", level2 = ""] = MMSTAR_CATEGORIES[at % MMSTAR_CATEGORIES.length] ?? [];
  const quoted = `The picture is called "marks".\n\t${choice.question}`;
  return {
    index: String(at),
    question: at === 3 ? quoted : choice.question,
    image: await pngBase64(choice),
    ...optionColumns(choice.options),
    answer: choice.letter,
    category,
    l2_category: level2,
    bench: "samples",
  };
}

export async function mmStar(): Promise<SampleFile> {
  const rows = await Promise.all(MMSTAR_CHOICES.map(mmStarRow));
  const [first, second] = rows;
  const grid = listedChoice("grid", 2);
  const lost = { ...(await mmStarRow(grid, 13)), ...optionColumns(grid.options) };
  const traps: RawRow[] = [
    // Whatever option D says, "NA" makes it vanish; the right answer stands under A.
    {
      ...lost,
      question: "what is drawn here?",
      A: "coloured cells",
      B: "a map",
      C: "a text",
      D: "NA",
      answer: "A",
    },
    { ...first, index: "14", image: "0", bench: "samples, picture of row 0" },
    { ...second, index: "15", image: "", bench: "samples, no picture" },
  ];
  const columns = "index question image A B C D answer category l2_category bench".split(" ");
  return { dataset: "MMStar", columns, rows: [...rows, ...traps] };
}

/** A picture of AI2D with its questions. */
interface Diagram {
  readonly number: number;
  readonly category: string;
  readonly isLabelled: boolean;
  readonly questions: readonly Choice[];
}

/** The same picture, asked for something that is not there. */
function absent(choice: Choice): Choice {
  const options = ["a boat", "coloured marks", "a horse", "a tree"];
  return { ...choice, question: "which of these does the diagram show?", options, letter: "B" };
}

const labelled = (number: number, category: string, choice: Choice): Diagram => ({
  number,
  category,
  isLabelled: true,
  questions: [choice, absent(choice)],
});
const plain = (number: number, category: string, choice: Choice): Diagram => ({
  number,
  category,
  isLabelled: false,
  questions: [choice],
});

const DIAGRAMS: readonly Diagram[] = [
  labelled(3, "foodChainsWebs", numberChoice("count", 10)),
  plain(12, "lifeCycles", listedChoice("relation", 10)),
  plain(40, "moonPhaseEquinox", numberChoice("barValue", 10)),
  labelled(57, "partsOfA", listedChoice("grid", 10)),
  plain(101, "rockCycle", numberChoice("difference", 10)),
  plain(256, "solarSystem", numberChoice("barSum", 10)),
  plain(300, "typesOf", listedChoice("grid", 11)),
  labelled(411, "volcano", numberChoice("dice", 10)),
  plain(512, "waterCNPCycle", listedChoice("relation", 11)),
  plain(999, "atomStructure", numberChoice("count", 11)),
];

async function diagramRows({ number, category, isLabelled, questions }: Diagram): Promise<RawRow[]> {
  const picture = await jpegBase64(questions[0] as Choice);
  return questions.map((choice, at) => ({
    index: String(100 * number + at),
    question: choice.question,
    ...optionColumns(choice.options),
    answer: choice.letter,
    category,
    abcLabel: isLabelled ? "True" : "False",
    image_path: `${number}.png`,
    image: at === 0 ? picture : String(100 * number),
  }));
}

export async function ai2d(): Promise<SampleFile> {
  const rows = (await Promise.all(DIAGRAMS.map(diagramRows))).flat();
  const columns = "index question A B C D answer category abcLabel image_path image".split(" ");
  return { dataset: "AI2D_TEST", columns, rows };
}
