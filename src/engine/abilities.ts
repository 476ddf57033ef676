/**
 * @module What each kind of engine can do; a setting that the chosen one cannot is refused by name, with those that can.
 */
import type { RunConfig } from "../config/schema.js";
import { ConfigError } from "../core/errors.js";

export type EngineKind = RunConfig["engine"]["kind"];

/** Things that some engines lack, as messages name them. */
export const ABILITIES = {
  exactStreams: "the same tokens from the same seed",
  topK: "top-k sampling",
  temperature: "temperatures other than 1",
  referenceLogProbs: "log-probabilities of the reference policy",
  fullKl: "KL over the whole vocabulary",
  entropy: "the entropy of the whole distribution",
  dualClip: "the dual clip",
  responseRatio: "one ratio per response",
  importance: "importance weights per token",
  rollback: "going back to the weights before a step",
} as const;
/** Something that some engines lack. */
export type Ability = keyof typeof ABILITIES;

/** What an engine can do; `requireAbilities` compares it with the settings. */
export interface Abilities {
  readonly kind: EngineKind;
  readonly losses: readonly RunConfig["update"]["loss"][];
  readonly can: readonly Ability[];
  /** Weights that training changes. */
  readonly trains: "all" | "lora";
}

const EVERYTHING = Object.keys(ABILITIES) as Ability[];
const LOCAL = {
  losses: ["clip", "gspo", "gspo-token", "cispo", "sapo"],
  can: EVERYTHING,
  trains: "all",
} as const;

/** What engines can do before one is asked: what settings are checked against before anything is started. */
export const ENGINE_ABILITIES: Readonly<Record<EngineKind, Abilities>> = {
  process: { kind: "process", ...LOCAL },
  local: { kind: "local", ...LOCAL },
  tinker: {
    kind: "tinker",
    losses: LOCAL.losses,
    can: ["topK", "referenceLogProbs", "dualClip", "responseRatio", "importance"],
    trains: "lora",
  },
  // What else EasyR1 lacks is said when its job is written (ray/easyr1Settings.ts).
  ray: {
    kind: "ray",
    losses: LOCAL.losses,
    can: ["topK", "temperature", "referenceLogProbs", "dualClip"],
    trains: "all",
  },
};

/** What an engine can do that trains adapters layer by layer: all but what needs two whole distributions. */
export function withAdapters(abilities: Abilities): Abilities {
  return { ...abilities, can: abilities.can.filter((ability) => ability !== "fullKl"), trains: "lora" };
}

/** What the engine that settings name can do at most. */
function abilitiesOf({ engine, lora }: RunConfig): Abilities {
  const abilities = ENGINE_ABILITIES[engine.kind];
  return lora.rank > 0 ? withAdapters(abilities) : abilities;
}

/** A setting with what it asks of an engine. */
interface Need {
  readonly setting: string;
  readonly ability: Ability;
}

/** What the settings ask of an engine beyond sampling and a clipped loss. */
export function needsOf({ rollout, update, kl, advantage }: RunConfig): Need[] {
  const needs: (Need | false)[] = [
    rollout.topK > 0 && { setting: `rollout.topK=${rollout.topK}`, ability: "topK" },
    rollout.temperature !== 1 && {
      setting: `rollout.temperature=${rollout.temperature}`,
      ability: "temperature",
    },
    kl.use !== "off" && { setting: `kl.use=${kl.use}`, ability: "referenceLogProbs" },
    kl.use === "loss" && kl.estimator === "full" && { setting: "kl.estimator=full", ability: "fullKl" },
    update.entropyCoefficient > 0 && {
      setting: `update.entropyCoefficient=${update.entropyCoefficient}`,
      ability: "entropy",
    },
    update.loss === "clip" &&
      update.dualClip !== null && { setting: `update.dualClip=${update.dualClip}`, ability: "dualClip" },
    update.ratio === "response" && { setting: "update.ratio=response", ability: "responseRatio" },
    advantage.crossImportanceCap !== null && {
      setting: `advantage.crossImportanceCap=${advantage.crossImportanceCap}`,
      ability: "importance",
    },
  ];
  return needs.filter((need) => need !== false);
}

/** `engine.kind=process or engine.kind=local`: the kinds that pass. */
function kindsThat(passes: (abilities: Abilities) => boolean): string {
  const kinds = Object.values(ENGINE_ABILITIES).filter(passes);
  return kinds.map(({ kind }) => `engine.kind=${kind}`).join(" or ");
}

/**
 * Refuses settings that the engine cannot do.
 * @param abilities what the engine said of itself, or what its kind can at most
 * @throws ConfigError naming every such setting and the engines that can
 */
export function requireAbilities(config: RunConfig, abilities: Abilities = abilitiesOf(config)): void {
  const { loss } = config.update;
  const problems = needsOf(config)
    .filter(({ ability }) => !abilities.can.includes(ability))
    .map(
      ({ setting, ability }) =>
        `${setting}: it lacks ${ABILITIES[ability]}; ${kindsThat(({ can }) => can.includes(ability))} has it`,
    );
  if (!abilities.losses.includes(loss)) {
    const others = kindsThat(({ losses }) => losses.includes(loss));
    problems.unshift(
      `update.loss=${loss}: it computes ${abilities.losses.join(", ")}; ${others} computes it`,
    );
  }
  if (problems.length > 0) throw new ConfigError(`engine.kind=${abilities.kind}: ${problems.join("; ")}`);
}
