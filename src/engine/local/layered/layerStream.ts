/**
 * @module Weights that pass by: one part of a network after another, read into memory that is used again, the next part
 * while graphs run on this one.
 */
import type { HostArray } from "../../../compile/runtime/session.js";
import type { TensorStore } from "../../../model/weights/tensorStore.js";

/** Arrays by their names after the part's prefix. */
export type Part = Readonly<Record<string, HostArray>>;

export interface LayerStream {
  /**
   * A part's weights, good until the second call after this one.
   * @param prefix `model.layers.3.`
   * @param next what will be asked for next, to be read meanwhile
   */
  take(prefix: string, next?: string): Promise<Part>;
}

/** Memory of a part, by name. */
type Slot = Map<string, Uint8Array<ArrayBuffer>>;

export function createLayerStream(store: TensorStore): LayerStream {
  const slots: [Slot, Slot] = [new Map(), new Map()];
  const names = [...store.entries.keys()];
  let turn = 0;
  let ahead: { readonly prefix: string; readonly part: Promise<Part> } | undefined;

  const read = (prefix: string): Promise<Part> => {
    const slot = slots[turn] as Slot;
    turn = 1 - turn;
    const part = readPart(store, prefix, { slot, names: names.filter((name) => name.startsWith(prefix)) });
    part.catch(() => undefined); // whoever takes the part is told
    return part;
  };

  return {
    async take(prefix, next) {
      const part = await (ahead?.prefix === prefix ? ahead.part : read(prefix));
      ahead = next === undefined ? undefined : { prefix: next, part: read(next) };
      return part;
    },
  };
}

async function readPart(
  store: TensorStore,
  prefix: string,
  { slot, names }: { readonly slot: Slot; readonly names: readonly string[] },
): Promise<Part> {
  const arrays = names.map(async (full) => {
    const name = full.slice(prefix.length);
    const bytes = store.entries.get(full)?.bytes ?? 0;
    const held = slot.get(name);
    const into = held && held.byteLength >= bytes ? held : new Uint8Array(bytes);
    slot.set(name, into);
    return [name, await store.readArgument(full, { into })] as const;
  });
  return Object.fromEntries(await Promise.all(arrays));
}
