/**
 * @module Bytes as printable characters, the alphabet of byte-level BPE: a token is a string of these.
 *
 * Bytes that print stand for themselves; the other 68 (controls, space, DEL, soft hyphen) take U+0100 onwards in
 * order, so that a space is `Ġ` and a newline `Ċ`.
 */

const PRINTABLE: readonly (readonly [number, number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
];

function alphabet(): string[] {
  const isPrintable = (byte: number) => PRINTABLE.some(([low, high]) => byte >= low && byte <= high);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
}

/** `[256]` The character of each byte. */
export const BYTE_CHARACTERS: readonly string[] = alphabet();

const BYTES: ReadonlyMap<string, number> = new Map(
  BYTE_CHARACTERS.map((character, byte) => [character, byte]),
);

/** What a token of the vocabulary says, in bytes. One with a character outside the alphabet says its own UTF-8. */
export function tokenBytes(token: string): Uint8Array {
  const bytes = Array.from(token, (character) => BYTES.get(character));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : new TextEncoder().encode(token);
}
