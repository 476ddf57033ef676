/**
 * @module The parameters of a network: a fresh initialisation, and the check of a loaded set.
 */
import { ModelError } from "../core/errors.js";
import { type Params, sizeOf, zeros } from "../core/ndarray.js";
import type { Rng } from "../core/rng.js";
import type { Network } from "./family.js";

/** Every parameter's shape; a weight matrix is `[out, in]`. */
export function paramShapes({ family, config }: Network): Readonly<Record<string, readonly number[]>> {
  return family.shapes(config);
}

/** Numbers of all parameters whose names begin so. */
export function countParams(network: Network, prefix = ""): number {
  return Object.entries(paramShapes(network)).reduce(
    (sum, [name, shape]) => sum + (name.startsWith(prefix) ? sizeOf(shape) : 0),
    0,
  );
}

/** A checkpoint's parameters under our names, without those that are not needed. Arrays are not copied. */
export function ownParams({ family, config }: Network, saved: Params): Params {
  return Object.fromEntries(
    Object.entries(saved).flatMap(([theirs, array]) => {
      const name = family.rename(theirs, config);
      return name === undefined ? [] : [[name, array] as const];
    }),
  );
}

/** Parameters under the names that checkpoints have for them. Arrays are not copied. */
export function publishedParams({ family }: Network, params: Params): Params {
  return Object.fromEntries(
    Object.entries(params).map(([name, array]) => [family.publishedName(name), array]),
  );
}

/** Projections that write into the residual stream. */
const RESIDUAL = /\.(o_proj|down_proj|attn\.proj|mlp\.linear_fc2)\.weight$/;
/** Tables that are looked up in, and the head. */
const EMBEDDINGS = ["model.embed_tokens.weight", "lm_head.weight", "visual.pos_embed.weight"];
const EMBEDDING_STD = 0.02;

/**
 * Parameters to start training from: norms 1, biases 0, embeddings N(0, 0.02²), matrices N(0, 1/(3·in)), the ones that
 * write into the residual stream divided by √(2·layers) so that depth does not inflate it.
 * @param rng split by parameter name: a parameter's values do not depend on the others
 */
export function initParams(network: Network, rng: Rng): Params {
  return Object.fromEntries(
    Object.entries(paramShapes(network)).map(([name, shape]) => {
      const array = zeros(shape);
      if (shape.length === 1) {
        if (name.endsWith(".weight")) array.data.fill(1);
        return [name, array];
      }
      const std = initStd(network, name, shape);
      const draws = rng.split("init", name);
      for (let at = 0; at < array.data.length; at++) array.data[at] = std * draws.normal();
      return [name, array];
    }),
  );
}

/** Standard deviation of a matrix to start from. */
export function initStd({ config }: Network, name: string, shape: readonly number[]): number {
  if (EMBEDDINGS.includes(name)) return EMBEDDING_STD;
  const fanIn = shape.slice(1).reduce((product, side) => product * side, 1);
  const depth = name.startsWith("visual.") ? config.vision.depth : config.layers;
  return (1 / Math.sqrt(3 * fanIn)) * (RESIDUAL.test(name) ? 1 / Math.sqrt(2 * depth) : 1);
}

/** How many names a message lists before it says how many more there are. */
const NAMES_SHOWN = 5;

/**
 * @param where the file or folder the parameters came from
 * @param wanted names that must be there; default: all of the network's
 * @throws ModelError naming what is missing, unexpected or of the wrong shape
 */
export function checkParams(
  network: Network,
  params: Params,
  where: string,
  wanted?: readonly string[],
): void {
  const shapes = Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, shape]));
  const isWanted = new Set(wanted);
  const excused = wanted ? Object.keys(paramShapes(network)).filter((name) => !isWanted.has(name)) : [];
  const problems = fitProblems(network, shapes, new Set(excused));
  if (problems.length === 0) return;
  throw new ModelError(`${where}: parameters do not fit config.json: ${problems.join("; ")}`);
}

/**
 * What is missing, unexpected or of the wrong shape.
 * @param excused names whose absence is known already
 */
export function fitProblems(
  network: Network,
  found: Readonly<Record<string, readonly number[]>>,
  excused: ReadonlySet<string> = new Set(),
): string[] {
  const shapes = paramShapes(network);
  const missing = Object.keys(shapes).filter((name) => !Object.hasOwn(found, name) && !excused.has(name));
  const unexpected = Object.keys(found).filter((name) => !Object.hasOwn(shapes, name));
  const misshapen = Object.entries(shapes).flatMap(([name, shape]) => {
    const got = Object.hasOwn(found, name) ? found[name] : undefined;
    return got && got.join() !== shape.join() ? [`${name}: expected [${shape}], got [${got}]`] : [];
  });
  return [
    ...listed("missing", missing),
    ...listed("unexpected", unexpected),
    ...listed("wrong shape", misshapen),
  ];
}

function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : "";
  return [`${what}: ${names.slice(0, NAMES_SHOWN).join(", ")}${more}`];
}
