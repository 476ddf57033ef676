/**
 * @module What works on a Tinker-wire server, found out by trying: for a person who wants to know before a run.
 */
import { ServerError, SharegrpoError } from "../../core/errors.js";
import { probeAggregation } from "./aggregation.js";
import { connectTinker, type TinkerClient, type TinkerOptions } from "./client.js";
import { probeSampledImages } from "./imageProbe.js";
import { computesAsNamed } from "./lossProbe.js";
import type { TrainingModel } from "./model.js";
import { PROBE_PROMPT, WIRE_LOSSES, WIRE_SDK_VERSION, type WireLoss } from "./wire.js";

/** One line of an examination. */
export interface EngineFinding {
  readonly name: string;
  readonly isFine: boolean;
  readonly note: string;
}

const fine = (name: string, note: string): EngineFinding => ({ name, isFine: true, note });
const lacking = (name: string, note: string): EngineFinding => ({ name, isFine: false, note });

/** What a try says: what it found, or the server's refusal; the server has still said the rest. */
export async function tried<Found>(
  name: string,
  attempt: () => Promise<Found>,
): Promise<Found | EngineFinding> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return lacking(name, error.message);
  }
}

/** Longest wait for one result, milliseconds: a server compiles or loads what it is asked for first. */
const PATIENCE_MS = 180_000;

/** Whether a loss is what its name says. */
function tryLoss(model: TrainingModel, loss: WireLoss): Promise<EngineFinding> {
  const name = `loss ${loss}`;
  return tried(name, async () => {
    const isNamed = await computesAsNamed(model, loss);
    if (isNamed === undefined) return fine(name, "computed; without a gradient norm it cannot be checked");
    if (isNamed) return fine(name, "computed as named");
    return lacking(name, "the server computes something else under this name");
  });
}

/** Whether pictures change answers. */
function tryImages(client: TinkerClient, model: TrainingModel): Promise<EngineFinding> {
  return tried("images", async () => {
    const { session, path } = await model.saveForSampler(undefined);
    const of = session === undefined ? { model_path: path ?? "" } : { sampling_session_id: session };
    const verdict = await probeSampledImages(client, of);
    if (verdict === "seen")
      return fine("images", "seen: a black one and a white one are answered differently");
    if (verdict === "ignored")
      return lacking("images", "dropped in silence: a black one is as good as a white one");
    return lacking("images", verdict.refused);
  });
}

/** Tries a model that is thrown away. */
async function examineModel(client: TinkerClient, baseModel: string, rank: number): Promise<EngineFinding[]> {
  const model = await client.createModel({ baseModel, rank, seed: 1 });
  try {
    const rankNote = model.rank === 0 ? "all weights are trained" : `adapter of rank ${model.rank}`;
    const repeats = await model.knowsRepeats();
    const images = await tryImages(client, model);
    const aggregation = await tried("aggregation", async () => {
      const found = await probeAggregation(model, PROBE_PROMPT);
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
    return [fine("model", `${model.baseModel}, ${rankNote}`), images, aggregation, repeated, ...losses];
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
      maxWaitMs: PATIENCE_MS,
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
      fine("server", `${client.server}${whose}, spoken to as by the Tinker SDK ${WIRE_SDK_VERSION}`),
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
