/** @module Letters and digits in other dress: full width, mathematical alphabets, digits of every script. */

const DRESSED = /[\uff01-\uff0b\uff0d-\uff5e\u{1d400}-\u{1d7ff}]|(?![0-9])\p{Nd}/gu;
const HIGHEST_DIGIT = 9;

/** The value of a decimal digit of any script, as a digit. Digits of a script stand side by side, from 0 to 9. */
export function digitOf(character: string): string {
  const plain = character.normalize("NFKC");
  if (/^[0-9]$/.test(plain)) return plain;
  const code = character.codePointAt(0) ?? 0;
  let value = 0;
  while (value < HIGHEST_DIGIT && /^\p{Nd}$/u.test(String.fromCodePoint(code - value - 1))) value++;
  return String(value);
}

/** The text with plain letters and digits for dressed ones; the full-width comma stays, since it groups no digits. */
export function asciiForms(text: string): string {
  return text.replace(DRESSED, (character) => {
    const plain = character.normalize("NFKC");
    return /^\p{Nd}$/u.test(plain) ? digitOf(plain) : plain;
  });
}
