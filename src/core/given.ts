/**
 * @module Options of which some are undefined, as an object that lacks those.
 */

/** `T`, where a value that may be undefined is a key that may be absent. */
export type Given<T extends object> = {
  [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key];
} & { [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined> };

/** The entries that are not undefined: `{ ...given({ signal }) }` has no `signal` where there is none. */
export function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}
