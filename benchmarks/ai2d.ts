/**
 * @module AI2D: multiple-choice questions about school-book diagrams. An index is 100 times its picture's number plus
 * the question's.
 */
import { DATASETS } from "./data/catalogue.js";
import { choicePrompt, optionsOf } from "./prompts/choice.js";
import type { Benchmark } from "./records.js";
import { gradeChoice } from "./scoring/multipleChoice.js";
import { column, splitTable } from "./scoring/tables.js";
import { cellOf } from "./scoring/verdict.js";

const QUESTIONS_PER_PICTURE = 100;

export const ai2d: Benchmark = {
  name: "AI2D",
  datasets: DATASETS.AI2D,
  columns: ["question", "A", "B", "answer"],
  prompt: choicePrompt,
  grade: (row, response, settings) =>
    gradeChoice(response, { row, choices: new Map(optionsOf(row)), gold: cellOf(row, "answer") }, settings),
  tables: (graded) => [
    splitTable(graded, {
      title: "AI2D",
      split: column("split"),
      groups: [column("l2-category"), column("category")],
      scale: 1,
    }),
  ],
  cluster({ index }) {
    const picture = Math.floor(Number(index) / QUESTIONS_PER_PICTURE);
    return Number.isNaN(picture) ? index : String(picture);
  },
  isReported: () => true,
};
