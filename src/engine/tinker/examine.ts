/**
 * @module What works on a Tinker-wire server, found out by trying: for a person who wants to know before a run.
 */
import { ServerError, SharegrpoError } from "../../core/errors.js";
import { probeAggregation } from "./aggregation.js";
import { connectTinker, type TinkerClient, type TinkerOptions } from "./client.js";
import { datumOf, responsePart, type WirePrompt } from "./datum.js";
import type { LossCall, TrainingModel } from "./model.js";
import { elementwiseSlopes } from "./serve/losses.js";
import { type AdamParams, WIRE_LOSSES, type WireLoss } from "./wire.js";

/** One line of an examination. */
export interface EngineFinding {
  readonly name: string;
  readonly isFine: boolean;
  readonly note: string;
}

const PROMPT: WirePrompt = {
  chunks: [{ type: "encoded_text", tokens: [1, 2, 3, 4] }],
  tokens: Int32Array.of(1, 2, 3, 4),
};

const fine = (name: string, note: string): EngineFinding => ({ name, isFine: true, note });
const lacking = (name: string, note: string): EngineFinding => ({ name, isFine: false, note });

/** What a try says: its finding, or the server's refusal. */
async function tried(name: string, attempt: () => Promise<EngineFinding>): Promise<EngineFinding> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return lacking(name, error.message);
  }
}

const STILL: AdamParams = {
  ...{ learning_rate: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0, grad_clip_norm: 0 },
};
/** Two gradient norms may differ by this share. */
const TOLERANCE = 1e-3;

/**
 * Whether a loss is what its name says, by its gradient: the same step sent as slopes through `importance_sampling` must
 * have the same norm; and `importance_sampling` itself no gradient where advantages are 0.
 */
async function tryLoss(model: TrainingModel, loss: WireLoss): Promise<EngineFinding> {
  const name = `loss ${loss}`;
  const norm = async (call: LossCall) => {
    await model.forwardBackward(call);
    return (await model.optimStep(STILL)).gradNorm ?? Number.NaN;
  };
  return tried(name, async () => {
    const response = Int32Array.of(5, 6);
    const [output] = await model.forward({ data: [datumOf(PROMPT, response)], loss: "cross_entropy" });
    const now = responsePart(output?.logProbs ?? new Float32Array(), PROMPT);
    // Ratios 1.1 and 0.6: one inside the clip, one outside.
    const old = now.map((logProb, t) => logProb - (t === 0 ? Math.log(1.1) : Math.log(0.6)));
    const named = datumOf(PROMPT, response, { logProbs: old, advantages: [1, 1] });
    const isBase = loss === "importance_sampling";
    const slopes = elementwiseSlopes(named, output?.logProbs ?? new Float32Array(), { loss, config: {} });
    const exact = datumOf(PROMPT, response, {
      logProbs: now,
      advantages: isBase ? [0, 0] : responsePart(slopes, PROMPT).map((slope) => -slope),
    });
    const own = await norm({ data: [named], loss });
    const other = await norm({ data: [exact], loss: "importance_sampling" });
    if (Number.isNaN(own)) return fine(name, "computed; without a gradient norm it cannot be checked");
    const isSame = isBase ? other < TOLERANCE * own : Math.abs(other / own - 1) < TOLERANCE;
    if (isSame) return fine(name, "computed as named");
    return lacking(name, "the server computes something else under this name");
  });
}

/** Tries a model that is thrown away. */
async function examineModel(client: TinkerClient, baseModel: string, rank: number): Promise<EngineFinding[]> {
  const model = await client.createModel({ baseModel, rank, seed: 1 });
  try {
    const rankNote = model.rank === 0 ? "all weights are trained" : `adapter of rank ${model.rank}`;
    const repeats = await model.knowsRepeats();
    const aggregation = await tried("aggregation", async () => {
      const found = await probeAggregation(model, PROMPT);
      if (!found) return lacking("aggregation", "no gradient norm is told, so that it cannot be found out");
      return fine(
        "aggregation",
        found === "sum" ? "sum over all tokens" : "mean over sequences of token means",
      );
    });
    const losses: EngineFinding[] = [];
    for (const loss of WIRE_LOSSES) losses.push(await tryLoss(model, loss));
    const repeated = repeats
      ? fine("repeated requests", "known again: a lost answer is asked for again")
      : lacking(
          "repeated requests",
          "run twice: a lost answer ends the run, which resumes from its last checkpoint",
        );
    return [fine("model", `${model.baseModel}, ${rankNote}`), aggregation, repeated, ...losses];
  } finally {
    await model.unload();
  }
}

/**
 * Examines the server at an address.
 * @throws ConfigError when the address is none
 */
export async function examineTinker(
  options: TinkerOptions & { readonly baseModel?: string; readonly rank: number },
): Promise<EngineFinding[]> {
  const messages: string[] = [];
  let client: TinkerClient;
  try {
    client = await connectTinker({
      maxWaitMs: 5000,
      ...options,
      onMessage: (message) => void messages.push(message),
    });
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return [lacking("server", error.message)];
  }
  try {
    const { supported_models, sharegrpo } = client.capabilities;
    const names = supported_models.map(({ model_name }) => model_name);
    const whose = sharegrpo === undefined ? "" : ` (sharegrpo ${sharegrpo})`;
    const findings = [
      fine("server", `${client.server}${whose}`),
      ...messages.map((message) => fine("says", message)),
      fine("models", names.join(", ")),
    ];
    const baseModel = options.baseModel || names[0];
    if (baseModel === undefined) return [...findings, lacking("model", "the server serves none")];
    try {
      return [...findings, ...(await examineModel(client, baseModel, options.rank))];
    } catch (error) {
      if (!(error instanceof SharegrpoError)) throw error;
      return [...findings, lacking("model", error.message)];
    }
  } finally {
    client.close();
  }
}
