/**
 * @module Whether a server's loss is what its name says. Some take `ppo`, answer 200, and compute another; so the same
 * step is sent once by name and once as slopes through `importance_sampling`, and both gradients must have one norm.
 */
import { given } from "../../core/given.js";
import { datumOf, responsePart, type WirePrompt } from "./datum.js";
import type { LossCall, TrainingModel } from "./model.js";
import { elementwiseSlopes } from "./serve/losses.js";
import { PROBE_PROMPT, STILL, type WireLoss, type WireLossConfig } from "./wire.js";

/** Two gradient norms may differ by this share. */
const TOLERANCE = 1e-3;
const RESPONSE = Int32Array.of(5, 6);
/** One ratio between the usual 1.2 and the 1.3 that is asked for, one below 0.8 where that clips. */
const RATIOS = [1.25, 0.6];
const ADVANTAGES = [1, -1];
const CLIP: WireLossConfig = { clip_low_threshold: 0.8, clip_high_threshold: 1.3 };

/**
 * Three steps of rate 0; probe a model that is not trained afterwards. `importance_sampling`, which the others are
 * compared by, is asked for no gradient where advantages are 0.
 * @returns undefined where the server tells no norm
 * @throws ServerError when the server refuses the loss
 */
export async function computesAsNamed(model: TrainingModel, loss: WireLoss): Promise<boolean | undefined> {
  const norm = async (call: LossCall) => {
    await model.forwardBackward(call);
    return (await model.optimStep(STILL)).gradNorm;
  };
  const prompt: WirePrompt = PROBE_PROMPT;
  const [output] = await model.forward({ data: [datumOf(prompt, RESPONSE)], loss: "cross_entropy" });
  const all = output?.logProbs ?? new Float32Array();
  const now = responsePart(all, prompt);
  const named = datumOf(prompt, RESPONSE, {
    logProbs: now.map((logProb, t) => logProb - Math.log(RATIOS[t] ?? 1)),
    advantages: ADVANTAGES,
  });
  const config = loss === "ppo" || loss === "cispo" ? CLIP : undefined;
  const isBase = loss === "importance_sampling";
  const slopes = responsePart(elementwiseSlopes(named, all, { loss, config: config ?? {} }), prompt);
  const advantages = isBase ? [0, 0] : slopes.map((slope) => -slope);
  const exact = datumOf(prompt, RESPONSE, { logProbs: now, advantages });
  const own = await norm({ data: [named], loss, ...given({ config }) });
  const other = await norm({ data: [exact], loss: "importance_sampling" });
  if (own === undefined || other === undefined) return undefined;
  return isBase ? other < TOLERANCE * own : Math.abs(other / own - 1) < TOLERANCE;
}
