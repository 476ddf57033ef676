/**
 * @module How figures look: one quiet layout under every figure, on light paper and on dark.
 */
import type { Figure, Json, JsonObject } from "./figure.js";

export type Shade = "light" | "dark";

interface Ink {
  readonly text: string;
  readonly line: string;
  readonly hover: string;
  readonly whisker: string;
}

const INK: Readonly<Record<Shade, Ink>> = {
  light: { text: "#333a40", line: "#e3e6ea", hover: "#ffffff", whisker: "#1c2024" },
  dark: { text: "#c9d0d6", line: "#343b43", hover: "#22272d", whisker: "#e4e7ea" },
};

/** What a figure that brings its own paper stands on; the dark one is JupyterLab's. */
export const PAPER: Readonly<Record<Shade, string>> = { light: "#ffffff", dark: "#111111" };

/** Okabe and Ito's sky blue stands for their blue where the paper is dark. */
const ON_DARK: readonly (readonly [string, string])[] = [["#0072B2", "#56B4E9"]];

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `over` laid over `base`, object by object; lists and values are replaced. */
export function mergeJson(base: JsonObject, over: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const under = merged[key];
    merged[key] = isObject(value) && isObject(under) ? mergeJson(under, value) : value;
  }
  return merged;
}

/** The axes that a layout names, the first two in any case. */
function axesOf(layout: JsonObject): string[] {
  const further = Object.keys(layout).filter((key) => /^[xy]axis\d+$/.test(key));
  return ["xaxis", "yaxis", ...further];
}

function baseLayout({ text, line, hover }: Ink, layout: JsonObject): JsonObject {
  const hasLegend = layout["showlegend"] !== false;
  const axis = () => ({
    gridcolor: line,
    linecolor: line,
    zerolinecolor: line,
    automargin: true,
    fixedrange: true,
    title: { font: { size: 12 } },
  });
  return {
    autosize: true,
    height: 270,
    margin: { l: 48, r: 12, t: hasLegend ? 30 : 12, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 12, color: text },
    dragmode: false,
    hovermode: "x unified",
    hoverlabel: { bgcolor: hover, font: { color: text } },
    legend: { orientation: "h", x: 0, y: 1.02, xanchor: "left", yanchor: "bottom" },
    ...Object.fromEntries(axesOf(layout).map((name) => [name, axis()])), // one each: Plotly writes into them
  };
}

/** A trace in a shade's colours. */
function shadeTrace(trace: JsonObject, shade: Shade): JsonObject {
  const whisker = { color: INK[shade].whisker };
  const own = trace["error_x"];
  const inked = isObject(own) ? { ...trace, error_x: { ...own, ...whisker } } : trace;
  if (shade === "light") return inked;
  const text = ON_DARK.reduce((json, [light, dark]) => json.replaceAll(light, dark), JSON.stringify(inked));
  return JSON.parse(text) as JsonObject;
}

/** What Plotly draws: the figure's own layout over the quiet one. */
export function themed(
  { data, layout }: Pick<Figure, "data" | "layout">,
  shade: Shade,
): { readonly data: readonly JsonObject[]; readonly layout: JsonObject } {
  return {
    data: data.map((trace) => shadeTrace(trace, shade)),
    layout: mergeJson(baseLayout(INK[shade], layout), layout),
  };
}

/** As style attributes write `#0072B2`: `rgb(0, 114, 178)`. */
function written(hex: string): string {
  const parts = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return `rgb(${parts.join(", ")})`;
}

/**
 * A rule for drawings on light paper that turns their inks where the reader's page is dark. In an `<img>` that is what
 * the page says of itself (`color-scheme`, which JupyterLab sets), elsewhere what the system does. Numbers on the cells
 * of a grid are in colours of their own, and stay with them.
 * @param place selector of the drawing, whose own `rect` is the paper
 */
export function darkRule(place: string): string {
  const { light, dark } = INK;
  const inks: readonly (readonly [string, string])[] = [
    [light.text, dark.text],
    [light.line, dark.line],
    [light.whisker, dark.whisker],
    ...ON_DARK,
  ];
  const turned = inks.flatMap(([from, to]) =>
    ["fill", "stroke"].map((kind) => {
      const drawn = `${place} [style*="${kind}: ${written(from)}"]:not(.cbfill)`;
      return `${drawn} { ${kind}: ${to} !important; }`;
    }),
  );
  const outline = `${place} [style*="stroke: ${written(PAPER.light)}"] { stroke: ${PAPER.dark} !important; }`;
  const paper = `${place} > rect, ${place} rect.bg { fill: ${PAPER.dark} !important; }`;
  return `@media (prefers-color-scheme: dark) { ${[...turned, outline, paper].join(" ")} }`;
}
