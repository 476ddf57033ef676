/**
 * @module The public face of the library, in the order of a training step. What is not named here may change.
 */

// The nouns, in the order one question meets them.

export {
  type Extracted,
  type ImageSize,
  type ImageSource,
  type Pair,
  type Prompt,
  type PromptPiece,
  type Question,
  type QuestionGroup,
  type Response,
  type Reward,
  type Rollout,
  type StopReason,
  TRANSFORMS,
  type TransformName,
  type Variant,
} from "./records.js";

// Settings: presets, modes, what each means.

export { describeSettings, type SettingDescription } from "./config/describe.js";
export { resolveConfig, withOverride } from "./config/load.js";
export { PRESETS } from "./config/presets.js";
export type { RunConfig, RunConfigInput } from "./config/schema.js";

// Questions: drawn scenes, files, hubs; and more ways to ask them.

export { type ChatClient, type ChatClientOptions, createChatClient } from "./core/chat/openai.js";
export { imageSize, readImage } from "./core/image/decode.js";
export type { RgbImage } from "./core/image/rgb.js";
export { type Dataset, openDataset } from "./data/dataset.js";
export type { RowFile } from "./data/rowFile.js";
export { openRows } from "./data/rows.js";
export { renderScene, sceneQuestion } from "./data/scenes/draw.js";
export { FAMILIES, type FamilyName, type Scene } from "./data/scenes/scene.js";
export { type SceneStream, sceneStream } from "./data/scenes/sets.js";
export { datasetSource, type QuestionSource } from "./data/source.js";
export { writeQuestions } from "./data/writeQuestions.js";
export { type ExpandOptions, type Expansion, expandQuestion } from "./expand/expand.js";
export { guidanceSentence } from "./expand/guidance.js";
export { createRewriter } from "./expand/rewrite.js";
export { applyTransform } from "./expand/visual.js";

// Models: folders in Hugging Face layout.

export { loadModel, type Model, modelFolder } from "./model/load.js";
export { loadProcessor, type Processor } from "./model/processor.js";
export { buildPrompt, promptLength, tokenPrompt } from "./model/prompt.js";
export { type Cut, PUBLISHED_SIZES, type PublishedSize, publishedNetwork } from "./model/publishedSizes.js";
export { readSafetensors, writeSafetensors } from "./model/safetensors.js";

// Rewards: the built-in ones, graders, your own.

export { extractBoxed } from "./reward/boxed.js";
export { GRADERS, type Grader, type GraderName } from "./reward/graders.js";
export { gradeSymbolic, type SymbolicEngine, startSymbolicEngine } from "./reward/math/symbolicEngine.js";
export { gradeResponse, type ResponseVerdict } from "./reward/response/gradeResponse.js";
export { readResponse } from "./reward/response/readResponse.js";
export { mathReward, r1vReward } from "./reward/reward.js";
export {
  builtInRewarder,
  customRewarder,
  type Rewarder,
  type RewardFunction,
  type RewardRow,
  type RewardScore,
} from "./reward/rewarder.js";
export type { Verdict } from "./reward/verdict.js";

// Advantages, equation by equation.

export { estimateAdvantages } from "./advantage/estimate.js";
export { grpoAdvantages } from "./advantage/grpo.js";
export {
  drGrpoAdvantages,
  passAtKAdvantages,
  reinforcePlusPlusAdvantages,
  rlooAdvantages,
} from "./advantage/others.js";
export {
  ADVANTAGE_MODES,
  type HierarchicalAdvantages,
  type HierarchicalOptions,
  hierarchicalAdvantages,
  ownAdvantages,
} from "./advantage/shareGrpo.js";
export {
  type ForecastOptions,
  type SharingForecast,
  sharingForecast,
  sharingVerdict,
} from "./advantage/sharingForecast.js";
export { validAdvantageRatios } from "./advantage/valid.js";
export { simulateValid, validProbability } from "./advantage/validProbability.js";
export {
  type Contrast,
  type QuestionCounts,
  type VariantCount,
  type VariantSpread,
  variantContrasts,
  variantSpread,
} from "./advantage/variantSpread.js";

// The loss: pairs, what is read under which prompt, surrogates, KL.

export { type Aggregation, tokenWeights } from "./policy/aggregate.js";
export { fullKl, klPerToken } from "./policy/kl.js";
export { type Lesson, type PairReading, type Reading, readingsOf } from "./policy/lessons.js";
export { sharePairs } from "./policy/share.js";
export { SURROGATE_DEFAULTS, type SurrogateOptions, surrogateLoss } from "./policy/surrogate.js";

// Engines: what trains and samples, wherever it is.

export { type Abilities, type Ability, ENGINE_ABILITIES, requireAbilities } from "./engine/abilities.js";
export type {
  Accumulated,
  Applied,
  Decoding,
  Engine,
  EngineReport,
  Learner,
  LogProbRequest,
  LossSettings,
  LossSums,
  OptimizerStep,
  Sampled,
  SampleRequest,
  Sampler,
  Watch,
} from "./engine/engine.js";
export { createEngine, type EngineSettings, loadEngine } from "./engine/local/engine.js";
export type { MemoryNeed, MemoryPlan, PlanMode } from "./engine/local/memoryPlan.js";
export { type PlannedModel, type PromptSizes, planOf } from "./engine/local/planSettings.js";
export { type LocalSettings, localSettings } from "./engine/local/settings.js";
export { openEngine } from "./engine/open.js";
export { startEngine } from "./engine/process/engineInProcess.js";

// Engines elsewhere: what works at an address, the Tinker wire from both sides, jobs on Ray.

export { type EngineQuestion, examineAddress } from "./engine/examine.js";
export { connectRay, type RayJobs, type RayOptions } from "./engine/ray/jobs.js";
export { connectTinker, type TinkerClient, type TinkerOptions } from "./engine/tinker/client.js";
export { openTinkerEngine, type TinkerEngineSettings } from "./engine/tinker/engine.js";
export type { EngineFinding } from "./engine/tinker/examine.js";
export type { TrainingModel } from "./engine/tinker/model.js";
export type { TinkerServer } from "./engine/tinker/serve/server.js";
export { type ServeOptions, serveTinker } from "./engine/tinker/serve/serveTinker.js";

// Training: a run from its settings, one step, one update; a policy to look at.

export { type Evaluation, evaluate } from "./train/evaluate.js";
export {
  type AskedQuestion,
  askQuestions,
  countVariants,
  type Explorer,
  loadExplorer,
  tokenTexts,
} from "./train/explore.js";
export { type TrainOptions, type TrainOutcome, train } from "./train/loop.js";
export { questionSource } from "./train/questionSource.js";
export { METRICS, type StepMetrics } from "./train/run/metrics.js";
export { RunFolder } from "./train/run/runFolder.js";
export { type StepResult, trainStep } from "./train/step.js";
export type { StepContext } from "./train/stepContext.js";
export { type TrainInFolderOptions, trainInFolder } from "./train/trainInFolder.js";
export { type UpdateStats, updateOnce } from "./train/update.js";
export type { AskedVariant, AskedVariants } from "./train/variants.js";
export { type VariantsReport, variantsReport } from "./train/variantsReport.js";

// One model, three ways: TensorFlow.js functions eagerly, compiled, exported.

export { listBackends, loadBackend } from "./compile/backends.js";
export { eager } from "./compile/eager.js";
export { exportOnnx } from "./compile/exportOnnx.js";
export { valueAndGrad, vjp } from "./compile/grad.js";
export { type Compiled, jit } from "./compile/jit.js";
export { type NdArray, ndarray, type Params, scalar, zeros } from "./core/ndarray.js";
export { type Tensor, type TensorParams, tf } from "./core/tf.js";

// Runs to look at: tables, figures, what notebooks display.

export { advantageGrids, pairsFigure, rewardGrid, validityFigure } from "./report/advantageFigures.js";
export { comparisonFigure, type NamedRun } from "./report/comparison.js";
export type { Figure } from "./report/figure.js";
export { writeReport } from "./report/html.js";
export { matrixFigure } from "./report/matrixFigure.js";
export { display } from "./report/notebook/display.js";
export { sharingExplorer } from "./report/notebook/explorer.js";
export { dataFrame, type Row, table, textTable } from "./report/notebook/frame.js";
export { pictures } from "./report/notebook/pictures.js";
export { plot } from "./report/notebook/plot.js";
export { liveCurves, progressBar } from "./report/notebook/progress.js";
export { viewAnswers, viewGroups, viewRun } from "./report/notebook/samples.js";
export { tokenStrip } from "./report/notebook/tokens.js";
export { clipFigure, klFigure, pairChangeFigure } from "./report/policyFigures.js";
export { type Run, readRun } from "./report/run.js";
export { evaluationTable, formatMarkdownTable, formatTable, type Table } from "./report/table.js";

// Randomness, numbers, stopping, errors.

export {
  BenchmarkError,
  CheckpointError,
  CompileError,
  ConfigError,
  DataError,
  ModelError,
  ServerError,
  ShapeError,
  SharegrpoError,
} from "./core/errors.js";
export { interruptSignal } from "./core/interrupt.js";
export type { OnProgress, ProgressEvent } from "./core/progress.js";
export { Rng, type RngKey } from "./core/rng.js";
export { type Interval, mean, quantile, std, wilson } from "./core/stats.js";
export { zip } from "./core/zip.js";
