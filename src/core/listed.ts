/**
 * @module Lists of names in messages: the first few, and how many more there are.
 */

const MOST_NAMED = 8;

/** `a, b, c`; of more than eight, the first eight and `and 5 more`. */
export function listed(names: readonly (string | number)[]): string {
  const shown = names.slice(0, MOST_NAMED).join(", ");
  return names.length > MOST_NAMED ? `${shown} and ${names.length - MOST_NAMED} more` : shown;
}
