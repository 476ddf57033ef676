/**
 * @module A policy that learns on a Tinker server. The loss is computed here, token by token, and crosses the wire as
 * advantages (slopes.ts); or the server's own clipped loss is used, where that is asked for and the same.
 */
import { ConfigError } from "../../core/errors.js";
import { given } from "../../core/given.js";
import { regroup } from "../../core/regroup.js";
import { zip } from "../../core/zip.js";
import type { Lesson, Reading } from "../../policy/lessons.js";
import type { Accumulated, Learner, LossSettings, OptimizerStep, Watch } from "../engine.js";
import { advantageFactor, type WireAggregation } from "./aggregation.js";
import { datumOf, responsePart, type WirePrompt } from "./datum.js";
import type { TrainingModel } from "./model.js";
import type { WirePrompts } from "./prompts.js";
import { type LossRow, type SlopeOptions, slopesOf } from "./slopes.js";
import type { AdamParams, Datum, WireLoss, WireLossConfig } from "./wire.js";

/** A response under a prompt, on its way to the server. */
interface Row extends LossRow {
  readonly advantages: Float32Array;
  readonly prompt: WirePrompt;
  readonly response: Int32Array;
}

/** Rows of an optimizer step, with what each is sent as once their number is known. */
interface Pending {
  readonly rows: readonly Row[];
  readonly loss: WireLoss;
  readonly config?: WireLossConfig;
  /** `[row][L]`: advantages in a sum over tokens. */
  readonly advantages: readonly Float32Array[];
  /** `[row][L]`: what the server's ratio is to. */
  readonly bases: readonly Float32Array[];
}

export interface LearnerParts {
  /** The model in training; another after `restore`. */
  readonly model: () => TrainingModel;
  /** The model that training began with. */
  readonly reference: (watch?: Watch) => Promise<TrainingModel>;
  readonly prompts: WirePrompts;
  readonly aggregation: WireAggregation;
  readonly loss: "native" | "surrogate";
  /** Losses of the server's own that are what they are called. */
  readonly losses: ReadonlySet<WireLoss>;
  /** For messages. */
  readonly server: string;
  /** Called after each optimizer step. */
  readonly onStep: (step: number) => void;
}

/** What of the engine's learner is about data, and not about files. */
export type WireLearner = Pick<Learner, "logProbs" | "accumulate" | "apply">;

const int32 = (tokens: ArrayLike<number>): Int32Array => Int32Array.from(tokens);

/** @throws ConfigError when the server computes another loss under this name */
function requireHonest<Native extends { readonly loss: WireLoss }>(
  native: Native,
  parts: LearnerParts,
): Native {
  if (parts.losses.has(native.loss)) return native;
  throw new ConfigError(
    `engine.loss=native: ${parts.server} computes something else under the name ${native.loss}, or refuses it; engine.loss=surrogate computes it here, exactly, for one more forward pass`,
  );
}

/** Losses that servers compute themselves: `update.loss`, and their name for it. */
export const NATIVE_LOSSES: ReadonlyMap<LossSettings["loss"], WireLoss> = new Map([
  ["clip", "ppo"],
  ["cispo", "cispo"],
]);

/** A loss that servers compute themselves, in their words. @throws ConfigError when they have none such */
export function nativeLoss({ loss, ratio, dualClip, kl, clipLow, clipHigh }: LossSettings): {
  readonly loss: WireLoss;
  readonly config: WireLossConfig;
} {
  const name = NATIVE_LOSSES.get(loss);
  const lacking = [
    ...(name === undefined ? [`update.loss=${loss}`] : []),
    ...(loss === "clip" && ratio !== "token" ? [`update.ratio=${ratio}`] : []),
    ...(loss === "clip" && dualClip !== null ? [`update.dualClip=${dualClip}`] : []),
    ...(kl ? ["kl.use=loss"] : []),
  ];
  if (name === undefined || lacking.length > 0) {
    throw new ConfigError(
      `engine.loss=native: the server's own loss has no ${lacking.join(", ")}; engine.loss=surrogate computes it here, exactly, for one more forward pass`,
    );
  }
  const config = { clip_low_threshold: 1 - clipLow, clip_high_threshold: 1 + clipHigh };
  return { loss: name, config };
}

function slopeOptions({ kl, ...surrogate }: LossSettings): SlopeOptions {
  if (!kl) return surrogate;
  if (kl.term === "full") throw new ConfigError("kl.estimator=full: the wire gives no whole distribution");
  return { ...surrogate, kl: { term: kl.term, coefficient: kl.coefficient } };
}

/** Every response of a reading with its prompt. */
async function flat<R extends Reading>(readings: readonly R[], prompts: WirePrompts) {
  const wire = await Promise.all(readings.map(({ prompt }) => prompts.read(prompt)));
  return zip(readings, wire).flatMap(([reading, prompt]) =>
    reading.responses_R.map((tokens, r) => ({ reading, prompt, tokens, response: int32(tokens), r })),
  );
}

/** Log-probs of now, by response and prompt: those of the old policy serve the step's first mini-batch. */
function createKnown() {
  let known = new WeakMap<object, Map<string, Float32Array>>();
  return {
    get: (tokens: object, promptId: string) => known.get(tokens)?.get(promptId),
    set(tokens: object, promptId: string, logProbs: Float32Array) {
      const ofPrompt = known.get(tokens) ?? new Map<string, Float32Array>();
      ofPrompt.set(promptId, logProbs);
      known.set(tokens, ofPrompt);
    },
    forget: () => {
      known = new WeakMap();
    },
  };
}

function adamOf({
  learningRate,
  beta1,
  beta2,
  epsilon,
  weightDecay,
  maxGradNorm,
}: OptimizerStep): AdamParams {
  return {
    ...{ learning_rate: learningRate, beta1, beta2, eps: epsilon },
    ...{ weight_decay: weightDecay, grad_clip_norm: maxGradNorm },
  };
}

/** Advantage of each token of a lesson's response. */
function tokenAdvantages({ advantages_R, importance_R, responses_R }: Lesson, r: number): Float32Array {
  const importance = importance_R?.[r];
  return Float32Array.from(
    { length: responses_R[r]?.length ?? 0 },
    (_, t) => (advantages_R[r] ?? 0) * (importance?.[t] ?? 1),
  );
}

/** Reads log-probs, and remembers those of the policy's present weights. */
function createReader({ model, prompts }: LearnerParts) {
  const known = createKnown();
  const forward = async (readings: readonly Reading[], from: TrainingModel, watch?: Watch) => {
    const rows = await flat(readings, prompts);
    const data = rows.map(({ prompt, response }) => datumOf(prompt, response));
    const outputs = await from.forward({ data, loss: "cross_entropy" }, { signal: watch?.signal });
    return zip(rows, outputs).map(([{ prompt }, { logProbs }]) => responsePart(logProbs, prompt));
  };
  const all = (readings: readonly Reading[]) =>
    readings.flatMap(({ prompt, responses_R }) =>
      responses_R.map((tokens) => ({ tokens: tokens as object, promptId: prompt.id })),
    );
  return {
    forget: known.forget,
    forward,
    remember(readings: readonly Reading[], logProbs: readonly Float32Array[]): void {
      for (const [{ tokens, promptId }, each] of zip(all(readings), [...logProbs])) {
        known.set(tokens, promptId, each);
      }
    },
    /** log π of now of each response, from what is known where all are. */
    async current(readings: readonly Reading[], watch?: Watch): Promise<Float32Array[]> {
      const kept = all(readings).map(({ tokens, promptId }) => known.get(tokens, promptId));
      const found = kept.filter((logProbs) => logProbs !== undefined);
      return found.length === kept.length ? found : forward(readings, model(), watch);
    },
  };
}

/** The rows of lessons, each with what the loss reads. @param now log π of each response */
async function rowsOf(
  lessons: readonly Lesson[],
  now: readonly Float32Array[],
  prompts: WirePrompts,
): Promise<Row[]> {
  return zip(await flat(lessons, prompts), [...now]).map(([{ reading, prompt, response, r }, logProbs]) => {
    const reference = reading.referenceLogProbs_R?.[r];
    return {
      ...{ prompt, response, logProbs },
      oldLogProbs: reading.oldLogProbs_R?.[r] ?? logProbs,
      advantages: tokenAdvantages(reading, r),
      weight: reading.weights_R[r] as number,
      ...given({ referenceLogProbs: reference }),
    };
  });
}

/** Rows for the server's own loss. */
function nativePending(rows: readonly Row[], native: ReturnType<typeof nativeLoss>): Pending {
  return {
    ...{ rows, ...native, bases: rows.map(({ oldLogProbs }) => oldLogProbs) },
    advantages: rows.map(({ advantages, weight }) => advantages.map((A) => A * weight)),
  };
}

/** Rows whose gradient is that of any loss, by its slopes. */
function exactPending(rows: readonly Row[], slopes: readonly Float32Array[]): Pending {
  return {
    ...{ rows, loss: "importance_sampling", bases: rows.map(({ logProbs }) => logProbs) },
    advantages: slopes.map((slopes_L) => slopes_L.map((slope) => -slope)),
  };
}

/** @param sequences of the whole optimizer step */
function dataOf(
  { rows, advantages, bases }: Pending,
  aggregation: WireAggregation,
  sequences: number,
): Datum[] {
  return zip(zip([...rows], [...advantages]), [...bases]).map(
    ([[{ prompt, response }, advantages_L], logProbs]) => {
      const factor = advantageFactor(1, { aggregation, sequences, tokens: response.length });
      return datumOf(prompt, response, { logProbs, advantages: advantages_L.map((A) => A * factor) });
    },
  );
}

export function createTinkerLearner(parts: LearnerParts): WireLearner {
  const { model, prompts, aggregation } = parts;
  const reader = createReader(parts);
  let pending: Pending[] = [];
  return {
    async logProbs({ readings, of }, watch) {
      const from = of === "policy" ? model() : await parts.reference(watch);
      const left = await reader.forward(readings, from, watch);
      if (of === "policy") reader.remember(readings, left);
      return readings.map(({ responses_R }) => left.splice(0, responses_R.length));
    },
    async accumulate(lessons, loss, watch): Promise<Accumulated> {
      try {
        const native = parts.loss === "native" ? requireHonest(nativeLoss(loss), parts) : undefined;
        const now = await reader.current(lessons, watch);
        const rows = await rowsOf(lessons, now, prompts);
        const { slopes, sums } = await slopesOf(rows, slopeOptions(loss));
        pending.push(native ? nativePending(rows, native) : exactPending(rows, slopes));
        const logProbs = regroup(
          now,
          lessons.map(({ responses_R }) => responses_R),
        );
        return { ...sums, logProbs };
      } catch (error) {
        pending = [];
        throw error;
      }
    },
    async apply(step) {
      const sending = pending;
      pending = [];
      reader.forget();
      const sequences = sending.reduce((sum, { rows }) => sum + rows.length, 0);
      // Sent without waiting in between: the server does one after the other.
      const sent = sending.map((each) => {
        const { loss, config } = each;
        const data = dataOf(each, aggregation, sequences);
        return model().forwardBackward({ data, loss, ...given({ config }) });
      });
      const stepped = model().optimStep(adamOf(step));
      const [{ gradNorm = Number.NaN }] = await Promise.all([stepped, ...sent]);
      parts.onStep(step.step);
      return { gradNorm, isApplied: true };
    },
  };
}
