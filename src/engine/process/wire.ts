/**
 * @module What crosses between a process and the engine in another: calls, answers, and images that cross once.
 */
import { invariant } from "../../core/errors.js";
import type { ProgressEvent } from "../../core/progress.js";
import type { ImageSource, Prompt, PromptPiece } from "../../records.js";
import type { Engine, Learner, LossSettings, OptimizerStep, Sampler } from "../engine.js";

/** Arguments of every call, without what watches it. */
export interface Calls {
  sample: [Parameters<Sampler["sample"]>[0]];
  logProbs: [Parameters<Learner["logProbs"]>[0]];
  accumulate: [Parameters<Learner["accumulate"]>[0], LossSettings];
  apply: [OptimizerStep];
  keep: [];
  rollback: [];
  save: Parameters<Learner["save"]>;
  restore: [string, number];
  report: [];
}
export type Method = keyof Calls;

/** What the calls answer. */
export interface Answers {
  sample: Awaited<ReturnType<Sampler["sample"]>>;
  logProbs: Awaited<ReturnType<Learner["logProbs"]>>;
  accumulate: Awaited<ReturnType<Learner["accumulate"]>>;
  apply: Awaited<ReturnType<Learner["apply"]>>;
  keep: undefined;
  rollback: undefined;
  save: undefined;
  restore: undefined;
  report: Awaited<ReturnType<Engine["report"]>>;
}

/** A call, or that one is not wanted any more. */
export type Request =
  | ({
      [Name in Method]: { readonly method: Name; readonly args: Calls[Name] };
    }[Method] & {
      readonly id: number;
    } & Freight)
  | { readonly abort: number };

/** Progress of a call, or its end. */
export type Reply = { readonly id: number } & (
  | { readonly progress: ProgressEvent }
  | { readonly result: unknown }
  | { readonly error: { readonly name: string; readonly message: string } }
);

const isPrompt = (value: object): value is Prompt => "pieces" in value && "id" in value;

/** A copy of plain data with the pieces of every prompt in it mapped. */
function mapPieces<T>(value: T, map: (piece: PromptPiece) => PromptPiece): T {
  const mapped = (inner: unknown): unknown => {
    if (typeof inner !== "object" || inner === null || ArrayBuffer.isView(inner)) return inner;
    if (Array.isArray(inner)) return inner.map(mapped);
    if (isPrompt(inner)) return { ...inner, pieces: inner.pieces.map(map) };
    return Object.fromEntries(Object.entries(inner).map(([key, each]) => [key, mapped(each)]));
  };
  return mapped(value) as T;
}

/** Compressed bytes that the engine's side keeps at most. */
const KEPT_BYTES = 2 ** 28;
/** What an image that the other side has crosses with. */
const KEPT: ImageSource = { kind: "bytes", bytes: new Uint8Array(0) };

/** Images that cross beside a call, and the digests of those that need not be kept any longer. */
export interface Freight {
  readonly images: ReadonlyMap<string, Uint8Array>;
  readonly forget: readonly string[];
}

/** The asking side: knows which images the other has. @param keptBytes bytes of images that the other side keeps */
export function createImageLedger(keptBytes: number = KEPT_BYTES) {
  /** Digest → bytes, those used longest ago first. */
  const there = new Map<string, number>();

  const dropOldest = (used: ReadonlySet<string>): string[] => {
    let bytes = [...there.values()].reduce((sum, size) => sum + size, 0);
    const forget: string[] = [];
    for (const [digest, size] of there) {
      if (bytes <= keptBytes || used.has(digest)) break;
      there.delete(digest);
      forget.push(digest);
      bytes -= size;
    }
    return forget;
  };
  return {
    /** The arguments without the bytes of images, and those that the other side lacks. */
    pack<Args>(args: Args): Freight & { readonly args: Args } {
      const images = new Map<string, Uint8Array>();
      const used = new Set<string>();
      const packed = mapPieces(args, (piece) => {
        if (piece.kind === "tokens" || piece.image.kind === "path") return piece;
        const { digest, image } = piece;
        if (!there.has(digest)) images.set(digest, image.bytes);
        there.delete(digest);
        there.set(digest, image.bytes.length);
        used.add(digest);
        return { ...piece, image: KEPT };
      });
      return { args: packed, images, forget: dropOldest(used) };
    },
  };
}

/** The engine's side: puts images back into their places. */
export function createImageStore() {
  const kept = new Map<string, Uint8Array>();
  return {
    unpack<Args>({ args, images, forget }: Freight & { readonly args: Args }): Args {
      for (const digest of forget) kept.delete(digest);
      for (const [digest, bytes] of images) kept.set(digest, bytes);
      return mapPieces(args, (piece) => {
        if (piece.kind === "tokens" || piece.image.kind === "path") return piece;
        const bytes = kept.get(piece.digest);
        invariant(bytes, `engine process: no image ${piece.digest}`);
        return { ...piece, image: { kind: "bytes", bytes } };
      });
    },
  };
}
