/**
 * @module HTML that cannot be broken by what it shows: every value in an `html` template is escaped unless it is itself
 * the result of one.
 */

/** Markup that was made by `html` or stated by the programmer with `trusted`. */
export interface Markup {
  readonly markup: string;
}

type Value = string | number | Markup | readonly Markup[] | undefined;

/** The five characters that mean something in text or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

function render(value: Value): string {
  if (value === undefined) return "";
  if (typeof value === "string") return escapeHtml(value);
  if (typeof value === "number") return String(value);
  if ("markup" in value) return value.markup;
  return value.map((each) => each.markup).join("\n");
}

/** A template whose values are escaped; markup and lists of markup go in as they are, `undefined` as nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return { markup: parts.map((part, at) => part + render(values[at])).join("") };
}

/** Markup from the programmer: a style sheet, a script. Never for what a model or a data set wrote. */
export function trusted(markup: string): Markup {
  return { markup };
}

/** JSON for the inside of a `<script>` element: no `<` can end it, no line separator can break it. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}
