/**
 * @module Memory by address: the host's, and a card's.
 */
import type { AddressSpace } from "../session.js";
import type { Api } from "./api.js";
import type { Card } from "./card.js";

/** The host's memory. Addresses are those of memory that somebody else owns. */
export function hostSpace({ koffi }: Pick<Api, "koffi">): AddressSpace {
  const bytes = (at: bigint, length: number): Uint8Array =>
    length > 0 ? new Uint8Array(koffi.view(at, length)) : new Uint8Array();
  const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  return {
    upload: (to, from) => bytes(to, from.byteLength).set(bytesOf(from)),
    download: (from, into) => bytesOf(into).set(bytes(from, into.byteLength)),
    clear: (at, length) => void bytes(at, length).fill(0),
    copy: (to, from, length) => bytes(to, length).set(bytes(from, length)),
    view: (at, length) => new Float32Array(bytes(at, 4 * length).buffer),
  };
}

/** A card's memory. Graphs run on a stream of their own, so that what was queued here is waited for. */
export function cardSpace(card: Card): AddressSpace {
  const whole =
    <Args extends readonly unknown[]>(call: (...args: Args) => void) =>
    (...args: Args) => {
      call(...args);
      card.synchronize();
    };
  return {
    card,
    upload: whole(card.upload),
    download: card.download,
    clear: whole(card.clear),
    copy: whole(card.copy),
  };
}
