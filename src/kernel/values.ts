/**
 * @module What a notebook shows of a cell's last value: what the value says of itself through
 * `Symbol.for("Jupyter.display")` (the symbol that Deno's kernel uses), else its text.
 */
import { inspect } from "node:util";

const DISPLAY = Symbol.for("Jupyter.display");
const METADATA = Symbol.for("Jupyter.metadata");

/** A value by media type, with what is said about the output. */
export interface ValueBundle {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: object;
}

type Describe = () => unknown;

function describerOf(value: unknown): Describe | undefined {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  const describe: unknown = Reflect.get(value, DISPLAY);
  return typeof describe === "function" ? () => Reflect.apply(describe, value, []) : undefined;
}

/** A bundle as a message carries it. */
export function messageBundle(bundle: object): ValueBundle {
  const metadata: unknown = Reflect.get(bundle, METADATA);
  return { data: { ...bundle }, metadata: typeof metadata === "object" && metadata ? metadata : {} };
}

/**
 * What is shown of a value; undefined for none. Strings are shown as they are, so that tables of text stay tables.
 * @throws what the value's own description throws
 */
export async function bundleOf(value: unknown): Promise<ValueBundle | undefined> {
  if (value === undefined || value === null) return undefined;
  const described = await describerOf(value)?.();
  if (typeof described === "object" && described !== null) return messageBundle(described);
  const text = typeof value === "string" ? value : inspect(value);
  return { data: { "text/plain": text }, metadata: {} };
}
