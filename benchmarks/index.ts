/**
 * @module The public face of the benchmarks: `sharegrpo/benchmarks`. What is not named here may change.
 */

// What a benchmark is, and the six.

export {
  BENCHMARKS,
  type BenchmarkName,
  RULE_SETS,
  type RuleSet,
  SCORE_MODES,
  type ScoreMode,
} from "./records.js";
export { BENCHMARK } from "./suites/registry.js";

// Asking and scoring.

export { createLocalEngine } from "./engines/local.js";
export { createServerEngine } from "./engines/server.js";
export { answeredQuestions } from "./run/answers.js";
export { evaluateSamples } from "./run/samples.js";
export { answerManners } from "./scoring/manners.js";
export { scoreMode } from "./scoring/score.js";

// The paper's tables, own scores beside them, what differences mean.

export { compareRuns } from "./tables/comparison.js";
export { comparisonTables } from "./tables/comparisonReport.js";
export { ownRunsFigure } from "./tables/ownFigures.js";
export { findOwnRuns } from "./tables/ownScores.js";
export { MAIN_TABLE, PAPER_COLUMNS, REMEASUREMENTS } from "./tables/paper.js";
export { ablation, ablationFigure, mainTableFigure, rowsOf } from "./tables/paperFigures.js";
export { comparePaired, rowsNeeded } from "./tables/statistics.js";

// Figure 1(b) at our scale.

export type { Figure1b } from "./measured/learning/figure1bCurves.js";
export { figure1bPlot } from "./measured/learning/figure1bPlot.js";

// When sharing helps.

export { differenceTable, joinedSharing, type SharingDocument } from "./measured/learning/sharingTable.js";
