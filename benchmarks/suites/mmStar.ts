/**
 * @module MMStar: 1,500 multiple-choice questions that need their picture, six abilities of 250.
 *
 * The file's finer level is called `l2_category`; VLMEvalKit looks for `l2-category` and leaves it out of its table.
 * It is printed as a table of its own.
 */
import { DATASETS } from "../data/catalogue.js";
import { choicePrompt } from "../prompts/choice.js";
import type { Benchmark } from "../records.js";
import { gradeOptions } from "../scoring/multipleChoice.js";
import { choiceTable, column, splitTable } from "../scoring/tables.js";

export const mmStar: Benchmark = {
  name: "MMStar",
  datasets: DATASETS.MMStar,
  columns: ["question", "A", "B", "answer"],
  prompt: choicePrompt,
  grade: gradeOptions,
  tables: (graded) => [
    choiceTable(graded, "MMStar"),
    splitTable(graded, {
      title: "MMStar, finer abilities",
      split: column("split"),
      groups: [column("l2_category")],
      scale: 1,
    }),
  ],
  cluster: ({ index }) => index,
  isReported: () => true,
};
