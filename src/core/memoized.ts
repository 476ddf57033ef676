/**
 * @module What is made once, and then known.
 */

/** Calls `make` once for all settings that are written alike in JSON. */
export function memoized<Settings, T>(make: (settings: Settings) => T): (settings: Settings) => T {
  const made = new Map<string | undefined, { readonly thing: T }>();
  return (settings) => {
    const key = JSON.stringify(settings);
    const found = made.get(key) ?? { thing: make(settings) };
    made.set(key, found);
    return found.thing;
  };
}
