/**
 * @module Looks a word of the outside world up in a table.
 */

/** The table's own entry under `key`; undefined for names that every object inherits, such as "constructor". */
export function own<Entry>(table: Readonly<Record<string, Entry>>, key: string): Entry | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
