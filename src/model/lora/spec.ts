/**
 * @module Low-rank adapters: which linear layers have one, of what rank and scale.
 *
 *     y = x·Wᵀ + s·(x·Aᵀ)·Bᵀ,   A [r, in], B [out, r],   s = α/r, or α/√r for rank-stabilised LoRA
 *
 * Rules are PEFT's, on its names for modules (`model.language_model.layers.0.self_attn.q_proj`): a list is matched
 * against the end of a name, a pattern (Python's `re`) against all of it.
 *
 * Source: LoRA, arXiv 2106.09685; rsLoRA, arXiv 2312.03732; peft 0.21.2, tuners/tuners_utils.py:2337 and
 * utils/other.py:1524.
 *
 * Departures: 1. Embeddings, convolutions and the head have no adapters: a rule that names one is refused, where PEFT
 * adapts some and fails on others. 2. Dropout of adapters is not applied.
 */
import { ModelError } from "../../core/errors.js";
import { listed } from "../../core/listed.js";
import type { Network } from "../family.js";
import { paramShapes } from "../params.js";

export interface LoraSpec {
  /** r */
  readonly rank: number;
  /** α */
  readonly alpha: number;
  /** Scale by α/√r. */
  readonly usesRslora: boolean;
  /** Ends of module names, or a pattern for all of one; `all-linear`: every linear layer but the head. */
  readonly targets: string | readonly string[];
  /** The same for modules that are left alone; default: none. */
  readonly excludes?: string | readonly string[];
  /** Rank by pattern for the end of a name; the first that matches counts. */
  readonly rankPattern?: Readonly<Record<string, number>>;
  readonly alphaPattern?: Readonly<Record<string, number>>;
}

/** A linear layer with an adapter. */
export interface AdaptedModule {
  /** Our name: that of its weight without `.weight`. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly rank: number;
  readonly scale: number;
}

/** How modules are called: as transformers has it since 4.52, or as before. */
export type ModuleNames = "long" | "short";

/** PEFT's name of a module that we call by its checkpoint name. */
export function moduleName(name: string, names: ModuleNames): string {
  if (names === "short" || name === "lm_head") return name;
  return name.startsWith("visual.") ? `model.${name}` : name.replace(/^model\./, "model.language_model.");
}

/**
 * The linear layers that a spec adapts, in the order of the network's parameters.
 * @throws ModelError when a rule cannot be read, matches nothing, or matches what can have no adapter
 */
export function adaptedModules(
  network: Network,
  spec: LoraSpec,
  names: ModuleNames = "long",
): AdaptedModule[] {
  const isTarget = targetRule(spec.targets);
  const isExcluded = spec.excludes === undefined ? () => false : moduleRule(spec.excludes, "exclude_modules");
  const isAll = spec.targets === "all-linear";
  const rankOf = patternRule(spec.rankPattern, "rank_pattern");
  const alphaOf = patternRule(spec.alphaPattern, "alpha_pattern");
  const unfit: string[] = [];
  const modules: AdaptedModule[] = [];
  // A tied head has no weight of its own, but it is a module.
  const shapes: Readonly<Record<string, readonly number[]>> = {
    ...paramShapes(network),
    "lm_head.weight": [],
  };
  for (const [param, shape] of Object.entries(shapes)) {
    if (!param.endsWith(".weight")) continue;
    const name = param.slice(0, -".weight".length);
    const theirs = moduleName(name, names);
    const linear = isLinear(name, shape) ? shape : undefined;
    if (isExcluded(theirs) || (isAll && !linear) || !isTarget(theirs)) continue;
    if (!linear) {
      unfit.push(theirs);
      continue;
    }
    const [outputs, inputs] = linear as [number, number];
    const rank = rankOf(theirs) ?? spec.rank;
    const alpha = alphaOf(theirs) ?? spec.alpha;
    const scale = alpha / (spec.usesRslora ? Math.sqrt(rank) : rank);
    modules.push({ name, inputs, outputs, rank, scale });
  }
  if (unfit.length > 0) {
    throw new ModelError(
      `target_modules: unsupported module: ${listed(unfit)}: only linear layers but the head can have adapters`,
    );
  }
  if (modules.length === 0) {
    throw new ModelError(`target_modules: no linear layer matches: ${JSON.stringify(spec.targets)}`);
  }
  return modules;
}

function isLinear(name: string, shape: readonly number[]): boolean {
  return shape.length === 2 && name !== "lm_head" && !/(^|\.)(embed_tokens|pos_embed)$/.test(name);
}

type Rule = (module: string) => boolean;

function targetRule(targets: LoraSpec["targets"]): Rule {
  return targets === "all-linear" ? () => true : moduleRule(targets, "target_modules");
}

function moduleRule(rule: string | readonly string[], field: string): Rule {
  if (typeof rule === "string") {
    const pattern = pythonPattern(rule, field);
    return (module) => pattern.test(module);
  }
  return (module) => rule.some((end) => module === end || module.endsWith(`.${end}`));
}

function patternRule(
  values: Readonly<Record<string, number>> = {},
  field: string,
): (module: string) => number | undefined {
  const rules = Object.entries(values).map(
    ([pattern, value]) => [pythonPattern(`(?:.*\\.)?(?:${pattern})`, field), value] as const,
  );
  return (module) => rules.find(([pattern]) => pattern.test(module))?.[1];
}

/** What Python's `re` has and JavaScript has not, or means otherwise. */
const PYTHON_ONLY = /\(\?[^:=!<]|\\[AZ]|[*+?}]\+/;

/** Longest pattern that is run: names are short, and a pattern of a stranger may be slow. */
const MAX_PATTERN = 1000;

/** A pattern for a whole name. */
function pythonPattern(text: string, field: string): RegExp {
  if (text.length > MAX_PATTERN || PYTHON_ONLY.test(text)) {
    throw new ModelError(
      `${field}: unsupported pattern: ${text.slice(0, 80)}; write it without Python's extensions`,
    );
  }
  try {
    return new RegExp(`^(?:${text})$`);
  } catch (cause) {
    throw new ModelError(`${field}: invalid pattern: ${text}`, { cause });
  }
}
