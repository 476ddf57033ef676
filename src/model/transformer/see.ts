/**
 * @module The vision tower of any family over a packed batch of images.
 */
import type { Tensor, TensorParams } from "../../core/tf.js";
import type { Network } from "../family.js";
import type { ImageTokens } from "./decoder.js";
import { within } from "./layers.js";
import type { ImageInputs } from "./pack.js";
import { rotation } from "./rope.js";

/** What `embed` takes for image tokens: the tower's rows and where they go. */
export function see(params: TensorParams, { family, config }: Network, image: ImageInputs): ImageTokens {
  const { vision, index, isImage } = image;
  const { tower } = family;
  const turn = rotation(vision);
  const deep: Tensor[] = [];
  let hidden: Tensor = tower.embed(params, config, vision);
  for (let block = 0; block < config.vision.depth; block++) {
    const weights = within(params, `visual.blocks.${block}`);
    const mask = vision[tower.maskName(config, block)] as Tensor;
    hidden = tower.block(weights, config, hidden, { turn, mask });
    const level = tower.deep?.blocks(config).indexOf(block) ?? -1;
    if (tower.deep && level >= 0) deep.push(tower.deep.merge(params, config, level, hidden));
  }
  return { rows: tower.merge(params, config, hidden), deep, index, isImage };
}
