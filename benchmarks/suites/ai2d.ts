/**
 * @module AI2D: multiple-choice questions about school-book diagrams. An index is 100 times its picture's number plus
 * the question's.
 */
import { DATASETS } from "../data/catalogue.js";
import { choicePrompt } from "../prompts/choice.js";
import type { Benchmark } from "../records.js";
import { gradeOptions } from "../scoring/multipleChoice.js";
import { choiceTable } from "../scoring/tables.js";

const QUESTIONS_PER_PICTURE = 100;

export const ai2d: Benchmark = {
  name: "AI2D",
  datasets: DATASETS.AI2D,
  columns: ["question", "A", "B", "answer"],
  prompt: choicePrompt,
  grade: gradeOptions,
  tables: (graded) => [choiceTable(graded, "AI2D")],
  cluster({ index }) {
    const picture = Math.floor(Number(index) / QUESTIONS_PER_PICTURE);
    return Number.isNaN(picture) ? index : String(picture);
  },
  isReported: () => true,
};
