/**
 * @module Figures in a notebook: an SVG in the colours of the reader's page, a PNG for viewers that take no SVG (and for
 * notebooks that are not trusted), and Plotly's own description for those that draw it live.
 */
import { invariant } from "../../core/errors.js";
import type { Figure, JsonObject } from "../figure.js";
import { scriptJson } from "../markup.js";
import { formatTable } from "../table.js";
import { darkRule, mergeJson, PAPER, themed } from "../theme.js";
import { type Displayable, JUPYTER_DISPLAY, JUPYTER_METADATA, type MimeBundle } from "./display.js";
import { drawSvg, plotlySource, pngOf } from "./drawing.js";

/** What a notebook needs of a figure; without numbers to print, its title stands for it in a script. */
export type PlotSource = Pick<Figure, "data" | "layout"> & Partial<Pick<Figure, "title" | "table">>;

export interface PlotOptions {
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Also draw live where the notebook may run scripts; puts 1.4 MB of Plotly into the notebook. */
  readonly isInteractive?: boolean;
}

export interface Plot extends Displayable {
  readonly data: readonly JsonObject[];
  readonly layout: JsonObject;
  readonly width: number;
  readonly height: number;
}

export const PLOT_WIDTH = 760;
export const PLOT_HEIGHT = 400;

/** Arial and its doubles come first, because texts are measured in it. */
const FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif";

function notebookLayout(title: string, hasLegend: boolean): JsonObject {
  return {
    paper_bgcolor: PAPER.light,
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: FONT, size: 13 },
    margin: { l: 60, r: 20, t: (title === "" ? 10 : 44) + (hasLegend ? 26 : 0), b: 50 },
    ...(title === ""
      ? {}
      : {
          title: {
            text: `<b>${title}</b>`,
            font: { size: 15 },
            x: 0,
            xref: "paper",
            xanchor: "left",
            y: 1,
            yref: "container",
            yanchor: "top",
            pad: { t: 12 },
          },
        }),
  };
}

function hasLegend({ data, layout }: PlotSource): boolean {
  return layout["showlegend"] !== false && (layout["showlegend"] === true || data.length > 1);
}

/** A figure as a notebook shows it: with its title, on paper of its own, which is dark where the page is. */
export function plot(figure: PlotSource, options: PlotOptions = {}): Plot {
  const own = figure.layout["height"];
  const width = options.width ?? PLOT_WIDTH;
  const height = options.height ?? (typeof own === "number" ? own : PLOT_HEIGHT);
  const base = notebookLayout(figure.title ?? "", hasLegend(figure));
  const { data, layout } = themed({ data: figure.data, layout: mergeJson(base, figure.layout) }, "light");
  return {
    data,
    layout,
    width,
    height,
    async [JUPYTER_DISPLAY]() {
      return plotBundle({ data, layout, width, height }, figure, options.isInteractive === true);
    },
  };
}

/** The class of a drawing that turns its colours. */
const TURNING = "sharegrpo-plot";

/** A reader's fonts may be broader than those that the legend was measured in. */
const WHOLE_LEGEND = `.${TURNING} .legend * { clip-path: none; }`;

/** A drawing on light paper that is dark where the page is. */
function onAnyPaper(svg: string): string {
  const [root = ""] = /^<svg [^>]*>/.exec(svg) ?? [];
  invariant(root.includes('class="main-svg"'), "onAnyPaper: Plotly's drawing begins with its element");
  const named = root.replace('class="main-svg"', `class="main-svg ${TURNING}"`);
  return `${named}<style>${WHOLE_LEGEND} ${darkRule(`.${TURNING}`)}</style>${svg.slice(root.length)}`;
}

async function plotBundle(
  drawn: Omit<Plot, typeof JUPYTER_DISPLAY>,
  { title, table }: PlotSource,
  isInteractive: boolean,
): Promise<MimeBundle> {
  const { data, layout, width, height } = drawn;
  const svg = await drawSvg(drawn);
  const text = [title ?? "figure", ...(table ? [formatTable(table)] : [])].join("\n\n");
  return {
    "text/plain": text,
    "image/svg+xml": onAnyPaper(svg),
    "image/png": Buffer.from(await pngOf(svg)).toString("base64"),
    "application/vnd.plotly.v1+json": { data, layout: { ...layout, width, height }, config: {} },
    // A viewer that is given HTML prefers it to the PNG, so it is there only when asked for.
    ...(isInteractive ? { "text/html": await interactiveHtml(drawn) } : {}),
    [JUPYTER_METADATA]: { "image/png": { width, height } },
  };
}

/** The figure with the library it needs; notebooks that define AMD's `define` must not catch the library. */
async function interactiveHtml(drawn: Omit<Plot, typeof JUPYTER_DISPLAY>): Promise<string> {
  const { data, layout, width, height } = drawn;
  const library = (await plotlySource()).replaceAll("</script", "<\\/script");
  const figure = scriptJson({ data, layout: { ...layout, width, height } });
  invariant(!figure.includes("</"), "interactiveHtml: JSON cannot end its script");
  return `<div style="width:${width}px;height:${height}px"></div><script>(function () {
const place = document.currentScript.previousElementSibling;
if (!window.Plotly) (function (define, exports, module) {${library}
window.Plotly = window.Plotly || Plotly; }).call(window);
const figure = ${figure};
window.Plotly.newPlot(place, figure.data, figure.layout);
})()</script>`;
}
