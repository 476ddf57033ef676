/**
 * @module What was compiled, by the arguments that it was compiled for: kinds and, where an array is part of the graph,
 * places of all arrays, and the tree that they are in.
 */
import { FREE } from "./runtime/session.js";
import { isExternal } from "./trace.js";
import { type ArgumentArray, isSameStructure, type Structure } from "./tree.js";

/** Arguments in order, and the structure they are leaves of. */
export interface ArgumentTree {
  readonly structure: Structure;
  readonly leaves: readonly ArgumentArray[];
}

/** Which leaves are of any length. */
type IsFree = ((leaf: number) => boolean) | undefined;

/** An array without its numbers. */
interface LeafKind {
  readonly dtype: string;
  /** The first side may be FREE. */
  readonly shape: readonly number[];
  readonly file: string | undefined;
  readonly offset: number | undefined;
}

interface TreeKind {
  readonly structure: Structure;
  readonly leaves: readonly LeafKind[];
}

function kindOf({ structure, leaves }: ArgumentTree, isFree: IsFree): TreeKind {
  const kinds = leaves.map((leaf, at) => ({
    dtype: leaf.dtype,
    shape: isFree?.(at) ? [FREE, ...leaf.shape.slice(1)] : leaf.shape,
    file: isExternal(leaf) ? leaf.file : undefined,
    offset: isExternal(leaf) ? leaf.offset : undefined,
  }));
  return { structure, leaves: kinds };
}

function isOfKind(leaf: ArgumentArray, { dtype, shape, file, offset }: LeafKind): boolean {
  return (
    leaf.dtype === dtype &&
    leaf.shape.length === shape.length &&
    shape.every((side, axis) => side === leaf.shape[axis] || side === FREE) &&
    (isExternal(leaf) ? leaf.file === file && leaf.offset === offset : file === undefined)
  );
}

interface Known<Entry> {
  readonly kind: TreeKind;
  readonly entry: Entry;
}

/**
 * Calls come in turns, layer after layer: what followed a signature last time is tried first, which is several times as
 * fast as to look up the signature's text.
 */
export function signatureTable<Entry>() {
  const known = new Map<string, Known<Entry>>();
  const followers = new Map<Known<Entry> | undefined, Known<Entry>>();
  let last: Known<Entry> | undefined;
  const isFor = ({ structure, leaves }: ArgumentTree, { kind }: Known<Entry>) =>
    leaves.length === kind.leaves.length &&
    isSameStructure(structure, kind.structure) &&
    kind.leaves.every((each, at) => isOfKind(leaves[at] as ArgumentArray, each));
  const turnTo = (found: Known<Entry>): Entry => {
    followers.set(last, found);
    last = found;
    return found.entry;
  };
  return {
    /** What these arguments' signature has; the one asked for next is expected to follow as it did before. */
    find(tree: ArgumentTree, isFree: () => IsFree): Entry | undefined {
      const guess = followers.get(last);
      const found = guess && isFor(tree, guess) ? guess : known.get(JSON.stringify(kindOf(tree, isFree())));
      return found && turnTo(found);
    },
    add(tree: ArgumentTree, isFree: IsFree, entry: Entry): Entry {
      const kind = kindOf(tree, isFree);
      const made = { kind, entry };
      known.set(JSON.stringify(kind), made);
      return turnTo(made);
    },
    all: (): Entry[] => [...known.values()].map(({ entry }) => entry),
    clear(): void {
      known.clear();
      followers.clear();
      last = undefined;
    },
  };
}
