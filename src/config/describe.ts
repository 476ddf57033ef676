/**
 * @module Every setting with its default and its meaning, as the schema gives them.
 */
import { z } from "zod";
import { type RunConfig, runSchema } from "./schema.js";

/** A setting for people: key, default, choices, meaning with unit and source. */
export interface SettingDescription {
  /** As in `key=value`: `update.learningRate`. */
  readonly key: string;
  readonly default: unknown;
  /** The words it may be, where only some may. */
  readonly choices?: readonly string[];
  /** Meaning, unit, source. */
  readonly meaning: string;
}

/** The part of a JSON schema that is read here. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly description?: string;
}

function describeNode(key: string, node: Node): SettingDescription[] {
  if (node.properties) {
    return Object.entries(node.properties).flatMap(([name, inner]) =>
      describeNode(key === "" ? name : `${key}.${name}`, inner),
    );
  }
  const choices = node.enum ? { choices: node.enum } : {};
  return [{ key, default: node.default, meaning: node.description ?? "", ...choices }];
}

/** All settings, in the order of the schema. */
export function describeSettings(): SettingDescription[] {
  return describeNode("", z.toJSONSchema(runSchema, { io: "input" }) as Node);
}

/** The value at `a.b.c`. */
export function settingValue(config: RunConfig, key: string): unknown {
  return key.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], config);
}
