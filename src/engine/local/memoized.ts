/**
 * @module Graphs by the settings that are compiled into them.
 */

/** Calls `make` once for every distinct settings object. */
export function memoized<Settings, T>(make: (settings: Settings) => T): (settings: Settings) => T {
  const made = new Map<string, T>();
  return (settings) => {
    const key = JSON.stringify(settings);
    const found = made.get(key) ?? make(settings);
    made.set(key, found);
    return found;
  };
}
