/**
 * @module An engine on a Tinker server: the policy samples and learns there, everything else stays here.
 *
 * Before the first step the server is tried on a model that is thrown away: how it makes one loss of many tokens,
 * whether it knows a repeated request, and, where its own losses are to be used, whether they are what they are called.
 * Whether it sees images is tried with the first prompt that has one.
 */
import { CheckpointError, ConfigError, ServerError } from "../../core/errors.js";
import { ENGINE_ABILITIES } from "../abilities.js";
import type { Engine, Learner, LossSettings, Watch } from "../engine.js";
import { probeAggregation, type WireAggregation } from "./aggregation.js";
import { tryFetchWeights } from "./archive.js";
import { connectTinker, type TinkerClient, type TinkerOptions } from "./client.js";
import { checkImages } from "./imageProbe.js";
import { createTinkerLearner, NATIVE_LOSSES } from "./learner.js";
import { computesAsNamed } from "./lossProbe.js";
import type { TrainingModel } from "./model.js";
import { createWirePrompts } from "./prompts.js";
import { createTinkerSampler, type Published } from "./sampler.js";
import { readRemoteState, writeRemoteState } from "./state.js";
import { PROBE_PROMPT, type WireLoss } from "./wire.js";

/** The policy that is trained on a server. */
export interface TinkerEngineSettings extends TinkerOptions {
  /** The model as the server names it; empty: the only one it serves. */
  readonly baseModel: string;
  readonly rank: number;
  readonly seed: number;
  readonly loss: "native" | "surrogate";
  /** With `native`: what `update.loss` will be; no other is tried beforehand. Default: any. */
  readonly updateLoss?: LossSettings["loss"];
  /** Stands for an image's places among the tokens of a prompt. */
  readonly imageToken: number;
  /** Tokens of the tokenizer that prompts are written with. */
  readonly vocabulary: number;
}

/** How a server does what the wire leaves open. */
interface Manners {
  readonly aggregation: WireAggregation;
  readonly knowsRepeats: boolean;
  /** Losses that it computes as named; asked for where its own are to be used. */
  readonly losses: ReadonlySet<WireLoss>;
}

/** Which of these losses are what they say. */
async function honestLosses(tried: TrainingModel, asked: readonly WireLoss[]): Promise<Set<WireLoss>> {
  const honest = new Set<WireLoss>();
  for (const loss of asked) {
    const isNamed = await computesAsNamed(tried, loss).catch((error: unknown) => {
      // It has no such loss.
      if (error instanceof ServerError && !error.isOutage) return false;
      throw error;
    });
    if (isNamed) honest.add(loss);
  }
  return honest;
}

async function probe(
  client: TinkerClient,
  model: NewModel,
  { loss, updateLoss }: Pick<TinkerEngineSettings, "loss" | "updateLoss">,
): Promise<Manners> {
  const tried = await client.createModel(model);
  try {
    const knowsRepeats = await tried.knowsRepeats();
    const aggregation = await probeAggregation(tried, PROBE_PROMPT);
    const native = [...NATIVE_LOSSES].filter(([name]) => name === (updateLoss ?? name));
    const asked = loss === "native" ? native.map(([, name]) => name) : [];
    const losses = await honestLosses(tried, asked);
    if (aggregation) return { aggregation, knowsRepeats, losses };
  } finally {
    await tried.unload();
  }
  throw new ServerError(
    `${client.server}: tells no gradient norm, so that how it weighs tokens cannot be found out; this engine needs one`,
    { kind: "refused", url: client.server },
  );
}

interface NewModel {
  readonly baseModel: string;
  readonly rank: number;
  readonly seed: number;
}

/** @throws ConfigError unless it is named, or the only one */
function chosenModel({ capabilities, server }: TinkerClient, asked: string): string {
  if (asked !== "") return asked;
  const names = capabilities.supported_models.map(({ model_name }) => model_name);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw new ConfigError(
    `engine.baseModel: missing: ${server} serves ${names.join(", ") || "no model"}: name one`,
  );
}

/** The models of a session: the one in training, the one that training began with, and what answers. */
function createPolicy(client: TinkerClient, settings: NewModel, first: TrainingModel, knowsRepeats: boolean) {
  let model = first;
  let step = 0;
  let published: Promise<Published> | undefined;
  let reference: Promise<TrainingModel> | undefined;
  const publish = async (watch?: Watch): Promise<Published> => {
    const policyStep = step;
    const { session, path } = await model.saveForSampler(undefined, { signal: watch?.signal });
    const id = session ?? (await client.samplingSession(path ?? "", watch?.signal));
    return { of: { sampling_session_id: id }, policyStep };
  };
  return {
    model: () => model,
    step: () => step,
    moved(to: number) {
      step = to;
      published = undefined;
    },
    published(watch?: Watch) {
      published ??= publish(watch);
      return published;
    },
    /** An adapter that was never trained adds nothing: it is the policy that training began with. */
    reference(watch?: Watch) {
      reference ??= client.createModel(settings, { signal: watch?.signal });
      return reference;
    },
    async replace(make: (fresh: TrainingModel) => Promise<void>) {
      await model.unload();
      const fresh = await client.createModel(settings);
      fresh.trustRepeats(knowsRepeats);
      model = fresh;
      published = undefined;
      await make(fresh);
    },
    /** A server that is gone has let go of its models, too. */
    async close() {
      const models = [model, ...(reference ? [await reference] : [])];
      const ends = await Promise.allSettled(models.map((each) => each.unload()));
      client.close();
      const [failed] = ends.filter((end) => end.status === "rejected");
      if (failed && !(failed.reason instanceof ServerError)) throw failed.reason;
    },
  };
}

type Policy = ReturnType<typeof createPolicy>;

/** Saving and going back. */
function remoteFiles(
  client: TinkerClient,
  policy: Policy,
): Omit<Learner, "logProbs" | "accumulate" | "apply"> {
  const unknown = () =>
    Promise.reject(new ConfigError("engine.kind=tinker: cannot go back to the weights before a step"));
  return {
    keep: unknown,
    rollback: unknown,
    async save(folder) {
      const model = policy.model();
      const name = `sharegrpo-${String(policy.step()).padStart(6, "0")}-${model.nextSequence()}`;
      const path = await model.save(name);
      const { path: sampler } = await model.saveForSampler(`${name}-policy`);
      const kept = sampler
        ? await tryFetchWeights(client.transport, { path: sampler, folder })
        : { problem: `${client.server}: keeps no weights to sample from under a name` };
      const { baseModel, rank } = model;
      await writeRemoteState(folder, {
        server: client.server,
        path,
        model: baseModel,
        rank,
        calls: model.nextSequence(),
        ...(sampler ? { sampler } : {}),
        ...("problem" in kept ? { problem: kept.problem } : {}),
      });
    },
    async restore(folder, policyStep) {
      const state = await readRemoteState(folder);
      const { rank } = policy.model();
      if (state.rank !== rank) {
        throw new CheckpointError(`${folder}: the policy has rank ${state.rank}, engine.rank is ${rank}`);
      }
      await policy.replace(async (fresh) => {
        await fresh.load(state.path).catch((cause: unknown) => {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw new CheckpointError(
            `${folder}: ${client.server} no longer has ${state.path} (saved on ${state.server}): ${why}; weights and moments are kept there alone: resume from an older checkpoint, or start anew`,
            { cause },
          );
        });
      });
      policy.moved(policyStep);
    },
  };
}

/**
 * Opens an engine on a server.
 * @throws ConfigError or ServerError when the address is wrong, nobody answers, or the model is another
 */
export async function openTinkerEngine(settings: TinkerEngineSettings): Promise<Engine> {
  const client = await connectTinker(settings);
  const asked = {
    baseModel: chosenModel(client, settings.baseModel),
    rank: settings.rank,
    seed: settings.seed,
  };
  const { aggregation, knowsRepeats, losses } = await probe(client, asked, settings);
  const first = await client.createModel(asked);
  first.trustRepeats(knowsRepeats);
  const policy = createPolicy(client, asked, first, knowsRepeats);
  const prompts = createWirePrompts(settings.imageToken);
  const images = checkImages(client.server, prompts);
  const learner = createTinkerLearner({
    ...{ model: policy.model, reference: policy.reference, prompts, aggregation, loss: settings.loss },
    ...{ server: client.server, losses, onStep: policy.moved },
  });
  const { tinker } = ENGINE_ABILITIES;
  const isOurs = client.capabilities.sharegrpo !== undefined;
  return {
    abilities: {
      ...tinker,
      can: isOurs ? [...tinker.can, "exactStreams"] : tinker.can,
      trains: first.rank === 0 ? "all" : "lora",
    },
    sampler: createTinkerSampler({
      ...{ client, prompts, vocabulary: settings.vocabulary, published: policy.published },
      check: (request, watch) => images(policy.model(), request.prompts, watch),
    }),
    learner: { ...learner, ...remoteFiles(client, policy) },
    async publish() {
      prompts.forget();
      await policy.published();
    },
    report: () => Promise.resolve({}),
    close: policy.close,
  };
}
