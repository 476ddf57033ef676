/** @module What transformers made of the folder `tests/golden/processor/model` (`benchmarks/measured/parity/processor.py`). */
import { fileURLToPath } from "node:url";
import type { ChatMessage } from "../../src/model/chatTemplate.js";
import type { ImageSource } from "../../src/records.js";
import { golden } from "../golden/load.js";

export interface ProcessorGolden {
  readonly size: number;
  readonly class: readonly string[];
  readonly strings: readonly { readonly text: string; readonly tokens: readonly number[] }[];
  readonly decoded: readonly {
    readonly tokens: readonly number[];
    readonly text: string;
    readonly skipped: string;
  }[];
  readonly chats: readonly {
    readonly messages: readonly ChatMessage[];
    readonly open: string;
    readonly closed: string;
  }[];
  /** height, width, factor, minPixels, maxPixels, resized height, resized width */
  readonly sizes: readonly (readonly [number, number, number, number, number, number, number])[];
  readonly images: readonly {
    readonly file: string;
    readonly grid: readonly [number, number, number];
    readonly sha256: string;
    readonly samples: readonly (readonly [at: number, value: number])[];
  }[];
  readonly prompts: readonly {
    readonly text: string;
    readonly images: readonly string[];
    readonly tokens: readonly number[];
  }[];
}

const folder = fileURLToPath(new URL("../golden/processor", import.meta.url));

export const MODEL_DIR = `${folder}/model`;
export const processorGolden = (): ProcessorGolden => golden<ProcessorGolden>("processor/golden.json");
export const goldenImage = (file: string): ImageSource => ({
  kind: "path",
  path: `${folder}/images/${file}`,
});
