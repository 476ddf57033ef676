/**
 * @module Sample rows of MathVista, MathVerse and MathVision: free-form answers beside choices.
 *
 * Traps on purpose. MathVista: choices with an apostrophe, a gold of 0, floats of precision 1 and 2 (a column with gaps,
 * so pandas makes it `1.0`), a list (which VLMEvalKit's scorer can never count), a carriage return, a unit. MathVerse:
 * four of a problem's five versions borrow the first one's picture; `metadata` is a Python dict. MathVision: empty
 * choices are `[]`, choices that are only letters, golds in LaTeX.
 */
import { invariant } from "../../src/core/errors.js";
import type { Scene } from "../../src/data/scenes/draw.js";
import type { RawRow } from "../data/tsv.js";
import { VERSIONS } from "../suites/mathVerse.js";
import {
  type Choice,
  listedChoice,
  numberChoice,
  oddSquare,
  pngBase64,
  pythonList,
  sampleScene,
  wordsOf,
} from "./drawings.js";
import type { SampleFile } from "./sampleFile.js";

const HINTS = {
  integer: "requiring an integer answer and provide the final value, e.g., 1, 2, 3, at the end.",
  float1:
    "requiring a floating-point number with one decimal place and provide the final value, e.g., 1.2, 1.3, 1.4, at the end.",
  float2:
    "requiring a floating-point number with two decimal places and provide the final value, e.g., 1.23, 1.34, 1.45, at the end.",
  list: "requiring a Python list as an answer and provide the final list, e.g., [1, 2, 3], [1.2, 1.3, 1.4], at the end.",
  choice: "and provide the correct option letter, e.g., A, B, C, D, at the end.",
} as const;

/** A MathVista row before it has a number. */
interface VistaDraft {
  readonly svg: string;
  readonly hint: keyof typeof HINTS;
  readonly question: string;
  readonly choices?: readonly string[];
  readonly answer: string;
  readonly letter?: string;
  readonly unit?: string;
  readonly task: string;
  readonly skills: readonly string[];
}

/** The official layout: hint, question, choices. */
function vistaQuestion({ hint, question, unit, choices }: VistaDraft): string {
  const asked = unit === undefined ? question : `${question} (Unit: ${unit})`;
  const listed = choices?.map((text, at) => `(${"ABCDEFGH".charAt(at)}) ${text}`);
  const lines = [`Hint: Please answer the question ${HINTS[hint]}`, `Question: ${asked}`];
  return [...lines, ...(listed ? ["Choices:", ...listed] : [])].join("\n");
}

const FIGURE = "figure question answering";
const GEOMETRY = "geometry problem solving";
const WORD = "math word problem";
const VISUAL = "visual question answering";
const TEXTBOOK = "textbook question answering";

function vistaNumber(scene: Scene, task: string, skills: readonly string[]): VistaDraft {
  return { svg: scene.svg, hint: "integer", question: wordsOf(scene), answer: scene.gold, task, skills };
}

function vistaChoice({ svg, question, options, letter }: Choice, task: string, skill: string): VistaDraft {
  const answer = options["ABCDEFGH".indexOf(letter)] ?? "";
  return { svg, hint: "choice", question, choices: options, answer, letter, task, skills: [skill] };
}

/** A fraction scene asked for as a decimal of exactly that many places. */
function vistaFloat(places: 1 | 2): VistaDraft {
  const decimals = Array.from({ length: 24 }, (_, at) => {
    const scene = sampleScene("fraction", 40 + at);
    const [top = 0, bottom = 1] = (scene.gold.match(/\d+/g) ?? []).map(Number);
    return { scene, decimal: String(top / bottom) };
  });
  const found = decimals.find(({ decimal }) => decimal.length === places + 2);
  invariant(found, `vistaFloat: no fraction with ${places} decimal places`);
  const { scene, decimal } = found;
  return {
    svg: scene.svg,
    hint: `float${places}`,
    question: `${wordsOf(scene)} write it as a decimal.`,
    answer: decimal,
    task: places === 1 ? TEXTBOOK : FIGURE,
    skills: ["arithmetic reasoning", "scientific reasoning"],
  };
}

function vistaDrafts(): readonly VistaDraft[] {
  const count = sampleScene("count", 40);
  const grid = sampleScene("grid", 40);
  const corner = sampleScene("angle", 40);
  return [
    vistaNumber(sampleScene("barSum", 40), FIGURE, ["statistical reasoning", "arithmetic reasoning"]),
    vistaChoice(listedChoice("relation", 40), VISUAL, "logical reasoning"),
    {
      ...vistaNumber(count, VISUAL, ["numeric commonsense"]),
      question: "how many black shapes are in the picture?",
      answer: "0",
    },
    vistaFloat(1),
    vistaFloat(2),
    {
      svg: sampleScene("barValue", 41).svg,
      hint: "list",
      question: "give the list of the two smallest even numbers from 2 on.",
      answer: "[2, 4]",
      task: WORD,
      skills: ["algebraic reasoning"],
    },
    {
      svg: corner.svg,
      hint: "integer",
      question: "how large is the angle?",
      unit: "degrees",
      answer: String(Number.parseInt(corner.gold, 10)),
      task: GEOMETRY,
      skills: ["geometry reasoning", "algebraic reasoning"],
    },
    {
      svg: grid.svg,
      hint: "choice",
      question: "what's in the picture?",
      choices: ["a painter's palette", "coloured cells"],
      answer: "coloured cells",
      letter: "B",
      task: TEXTBOOK,
      skills: ["scientific reasoning"],
    },
    vistaNumber(sampleScene("dice", 40), WORD, ["arithmetic reasoning"]),
    vistaNumber(sampleScene("difference", 40), VISUAL, ["arithmetic reasoning"]),
    vistaChoice(numberChoice("barValue", 40), FIGURE, "statistical reasoning"),
    vistaNumber(sampleScene("cards", 40), WORD, ["arithmetic reasoning", "logical reasoning"]),
    vistaChoice(listedChoice("grid", 41), GEOMETRY, "geometry reasoning"),
    {
      ...vistaNumber(sampleScene("count", 41), VISUAL, ["numeric commonsense"]),
      question: `Look closely.\r\n${wordsOf(sampleScene("count", 41))}`,
    },
  ];
}

async function vistaRow(draft: VistaDraft, at: number): Promise<RawRow> {
  const { hint, choices, answer, letter, task, skills } = draft;
  const isFloat = hint === "float1" || hint === "float2";
  return {
    index: String(at + 1),
    question: vistaQuestion(draft),
    image: await pngBase64(draft),
    question_type: choices ? "multi_choice" : "free_form",
    answer_type: choices ? "text" : isFloat ? "float" : hint,
    precision: isFloat ? hint.slice(-1) : "",
    choices: choices ? pythonList(choices) : "",
    answer,
    answer_option: letter ?? "",
    task,
    skills: pythonList(skills),
    source: "samples",
    grade: "not applicable",
    context: "synthetic scene",
    language: "english",
  };
}

export async function mathVista(): Promise<SampleFile> {
  const columns =
    "index question image question_type answer_type precision choices answer answer_option task skills source grade context language";
  const rows = await Promise.all(vistaDrafts().map(vistaRow));
  return { dataset: "MathVista_MINI", columns: columns.split(" "), rows };
}

interface Problem {
  readonly svg: string;
  /** What the words tell beyond the picture; left out as the versions lean on the picture. */
  readonly told: string;
  readonly question: string;
  readonly choices?: readonly string[];
  readonly answer: string;
  readonly subject: string;
  readonly subfield: string;
}

const DIRECT = "Please directly answer the question and provide";
const REASONED = "Please first conduct reasoning, and then answer the question and provide";

function problems(): readonly Problem[] {
  const corner = sampleScene("angle", 60);
  const degrees = Number.parseInt(corner.gold, 10);
  const box = sampleScene("rectangle", 60);
  const bars = sampleScene("barSum", 60);
  return [
    {
      svg: corner.svg,
      told: "Two straight lines meet in one point.",
      question: "how large is the angle?",
      choices: [degrees - 20, degrees, degrees + 15, degrees - 5].map((value) => `${value}°`),
      answer: "B",
      subject: "Plane Geometry",
      subfield: "Angle",
    },
    {
      svg: box.svg,
      told: "A rectangle stands on its longer side; its top is divided into units.",
      question: wordsOf(box),
      answer: box.gold,
      subject: "Plane Geometry",
      subfield: "Length",
    },
    {
      svg: bars.svg,
      told: "The bars are made of blocks of equal height.",
      question: wordsOf(bars),
      answer: bars.gold,
      subject: "Functions",
      subfield: "Applied",
    },
  ];
}

async function verseRows(problem: Problem, number: number): Promise<RawRow[]> {
  const { told, question, choices, answer, subject, subfield } = problem;
  const listed = choices?.map((text, at) => `\n${"ABCD".charAt(at)}:${text}`).join("");
  const options = listed === undefined ? "" : `\nChoices:${listed}`;
  const ending = choices
    ? "the correct option letter, e.g., A, B, C, D"
    : "the final value, e.g., 1, 2.5, 300";
  const picture = await pngBase64(problem);
  const metadata = `{'split': 'testmini', 'source': 'samples', 'subject': '${subject}', 'subfield': '${subfield}'}`;
  return VERSIONS.map((version, at) => {
    const words = at < 2 ? `${told} ${question}` : question;
    return {
      index: String(number * VERSIONS.length + at + 1),
      problem_index: String(number + 1),
      problem_version: version,
      question: `${words}${options}`,
      image: at === 0 ? picture : String(number * VERSIONS.length + 1),
      answer,
      question_type: choices ? "multi-choice" : "free-form",
      metadata,
      query_wo: `${DIRECT} ${ending}.\nQuestion: ${words}${options}`,
      query_cot: `${REASONED} ${ending}, at the end.\nQuestion: ${words}${options}`,
      question_for_eval: `${told} ${question}${options}`,
    };
  });
}

export async function mathVerse(): Promise<SampleFile> {
  const columns =
    "index problem_index problem_version question image answer question_type metadata query_wo query_cot question_for_eval";
  const rows = (await Promise.all(problems().map(verseRows))).flat();
  return { dataset: "MathVerse_MINI", columns: columns.split(" "), rows };
}

interface VisionDraft {
  readonly svg: string;
  readonly question: string;
  readonly choices: readonly string[];
  readonly answer: string;
  readonly category: string;
}

const free = (scene: Scene, category: string, answer = scene.gold): VisionDraft => ({
  svg: scene.svg,
  question: wordsOf(scene),
  choices: [],
  answer,
  category,
});
const chosen = ({ svg, question, options, letter }: Choice, category: string): VisionDraft => ({
  svg,
  question,
  choices: options,
  answer: letter,
  category,
});

function visionDrafts(): readonly VisionDraft[] {
  const corner = sampleScene("angle", 80);
  return [
    free(sampleScene("cards", 80), "arithmetic"),
    free(sampleScene("fraction", 80), "metric geometry - area"),
    free(corner, "metric geometry - angle", String(Number.parseInt(corner.gold, 10))),
    free(sampleScene("count", 80), "counting"),
    free(sampleScene("barSum", 80), "statistics"),
    free(sampleScene("dice", 80), "algebra"),
    free(sampleScene("difference", 80), "combinatorics"),
    free(sampleScene("rectangle", 80), "metric geometry - length"),
    chosen(oddSquare(0), "logic"),
    chosen(oddSquare(1), "combinatorial geometry"),
    chosen(numberChoice("barValue", 80, 5), "graph theory"),
    chosen(numberChoice("count", 81, 5), "solid geometry"),
    chosen(listedChoice("relation", 80), "transformation geometry"),
    chosen(listedChoice("grid", 80), "analytic geometry"),
  ];
}

export async function mathVision(): Promise<SampleFile> {
  const rows = await Promise.all(
    visionDrafts().map(async (draft, at) => ({
      index: String(at + 1),
      // Where the options are in the picture, the words say where the picture belongs.
      question: draft.choices[0] === "A" ? `${draft.question}\n<image1>` : draft.question,
      image: await pngBase64(draft),
      choices: draft.choices.length === 0 ? "[]" : pythonList(draft.choices),
      answer: draft.answer,
      category: draft.category,
      level: String((at % 5) + 1),
    })),
  );
  const columns = "index question image choices answer category level".split(" ");
  return { dataset: "MathVision", columns, rows };
}
