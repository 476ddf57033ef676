/**
 * @module The public face of the library.
 */
export * from "./core/errors.js";
export * from "./core/ndarray.js";
export * from "./core/rng.js";
export * from "./core/stats.js";
export * from "./records.js";
