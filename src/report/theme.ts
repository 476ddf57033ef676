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

function baseLayout({ text, line, hover }: Ink, hasLegend: boolean): JsonObject {
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
    xaxis: axis(), // one each: Plotly writes into them
    yaxis: axis(),
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
    layout: mergeJson(baseLayout(INK[shade], layout["showlegend"] !== false), layout),
  };
}
