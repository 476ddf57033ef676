/**
 * @module What a server answers to a mini-batch, checked against what was asked: nothing may be missing, cut or moved.
 */
import type { z } from "zod";
import { ServerError } from "../../core/errors.js";
import { zip } from "../../core/zip.js";
import type { Datum, lossOutputSchema } from "./wire.js";

/** What a server says of one sequence. */
export interface DatumOutput {
  /** `[T]`, log π of every target token. */
  readonly logProbs: Float32Array;
  /** `[T]`, where the server tells. */
  readonly losses?: Float32Array;
}

/** Numbers as they came; what is none is NaN. */
export const floats = (data: readonly (number | null)[]): Float32Array =>
  Float32Array.from(data, (value) => value ?? Number.NaN);

/** @throws ServerError where a log-prob that counts is no number */
export function requireNumbers(
  logProbs: Float32Array,
  what: string,
  where: string,
  weights?: readonly number[],
): void {
  const at = logProbs.findIndex((value, t) => !Number.isFinite(value) && weights?.[t] !== 0);
  if (at < 0) return;
  throw new ServerError(
    `${where}: ${what}: log-prob ${at} is no number: the weights there have overflowed: resume from the last checkpoint, with a lower update.learningRate`,
    { kind: "garbled", url: where },
  );
}

/** One output per sequence, each as long as its targets; servers cut in silence where lengths differ. */
export function outputsOf(
  data: readonly Datum[],
  { loss_fn_outputs }: z.output<typeof lossOutputSchema>,
  where: string,
): DatumOutput[] {
  if (loss_fn_outputs.length !== data.length) {
    throw new ServerError(
      `${where}: sent ${data.length} sequences, got results of ${loss_fn_outputs.length}; see the server's log`,
      { kind: "garbled", url: where },
    );
  }
  return zip(data, loss_fn_outputs).map(([{ loss_fn_inputs }, { logprobs, elementwise_loss }], at) => {
    const wanted = loss_fn_inputs.target_tokens.data.length;
    if (logprobs.data.length !== wanted) {
      throw new ServerError(
        `${where}: sequence ${at}: expected ${wanted} log-probs, got ${logprobs.data.length}: the server counts tokens otherwise, most likely those of a picture`,
        { kind: "garbled", url: where },
      );
    }
    const logProbs = floats(logprobs.data);
    requireNumbers(logProbs, `sequence ${at}`, where, loss_fn_inputs.weights?.data);
    return { logProbs, ...(elementwise_loss ? { losses: floats(elementwise_loss.data) } : {}) };
  });
}

/** Whatever a server calls the norm of the gradient. */
export function gradNormOf(
  metrics: Readonly<Record<string, unknown>> | null | undefined,
): number | undefined {
  const found = Object.entries(metrics ?? {}).find(([name]) =>
    /(^|[/.:_])grad_norm(:mean)?$/.test(name),
  )?.[1];
  return typeof found === "number" ? found : undefined;
}
