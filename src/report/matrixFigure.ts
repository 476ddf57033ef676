/**
 * @module Numbers in a grid as a figure: rewards, advantages and pairs, several grids under one colour scale.
 */
import { zip } from "../core/zip.js";
import { COLOURS, type Figure, type JsonObject, plotText } from "./figure.js";
import { mergeJson } from "./theme.js";

/** One grid of numbers, `values[row][column]`; its names are shown as they are. */
export interface Grid {
  readonly title: string;
  readonly values: readonly (readonly number[])[];
  readonly rows: readonly string[];
  readonly columns: readonly string[];
}

export interface MatrixOptions {
  readonly title: string;
  readonly caption?: string;
  /** Name of the colour scale, which stands beside grids without numbers. */
  readonly scale: string;
  /** Largest absolute value of the scale; the largest drawn by default. */
  readonly limit?: number;
  /** `signed`: vermillion below 0, blue above; `share`: white at 0, blue at 1. */
  readonly colours?: "signed" | "share";
  /** Digits behind the point in the cells; no numbers where it is undefined. */
  readonly digits?: number;
  /** Cells framed in each grid, by row and column from the top left. */
  readonly frames?: readonly Frame[];
}

/** A block of cells with a line around it. */
export interface Frame {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

const SCALES = {
  signed: [
    [0, COLOURS.vermillion],
    [0.5, "#ffffff"],
    [1, COLOURS.blue],
  ],
  share: [
    [0, "#ffffff"],
    [1, COLOURS.blue],
  ],
} as const;

/** Between grids, as a share of the figure's width: with row names or without. */
const GAPS = { named: 0.14, unnamed: 0.03 } as const;
const ROW_PIXELS = 40;
/** Plotly reads hyphens; people read minus signs. */
const signed = (value: number, digits: number) =>
  value
    .toFixed(digits)
    .replace(/^-(?=0(\.0*)?$)/, "")
    .replace("-", "−");

function axisName(letter: "x" | "y", at: number): string {
  return at === 0 ? letter : `${letter}${at + 1}`;
}

function trace(
  grid: Grid,
  at: number,
  { digits, colours = "signed" }: MatrixOptions,
  limit: number,
): JsonObject {
  const texts =
    digits === undefined
      ? {}
      : {
          text: grid.values.map((row) => row.map((value) => signed(value, digits))),
          texttemplate: "%{text}",
          textfont: { size: 13 },
        };
  return {
    type: "heatmap",
    z: grid.values,
    x: grid.columns.map((_, column) => column),
    y: grid.rows.map((_, row) => row),
    ...texts,
    xaxis: axisName("x", at),
    yaxis: axisName("y", at),
    xgap: 2,
    ygap: 2,
    zmin: colours === "signed" ? -limit : 0,
    zmax: limit,
    colorscale: SCALES[colours],
    coloraxis: "coloraxis",
    hovertemplate: "%{z}<extra></extra>",
  };
}

/** Grids whose rows have the same names need them once. */
function sharesRows(grids: readonly Grid[]): boolean {
  return grids.every((grid) => grid.rows.join("\n") === grids[0]?.rows.join("\n"));
}

/** Left edge and width of each grid, as shares of the figure's. */
function placesOf(grids: readonly Grid[]): { readonly left: number; readonly width: number }[] {
  const gap = sharesRows(grids) ? GAPS.unnamed : GAPS.named;
  const width = (1 - gap * (grids.length - 1)) / grids.length;
  return grids.map((_, at) => ({ left: at * (width + gap), width }));
}

function axes(grids: readonly Grid[]): JsonObject {
  const isShared = sharesRows(grids);
  const shared = { showgrid: false, zeroline: false, showline: false, ticks: "", tickmode: "array" };
  const entries = zip(grids, placesOf(grids)).flatMap(([grid, { left, width }], at) => {
    const suffix = at === 0 ? "" : String(at + 1);
    const numbers = (names: readonly string[]) => names.map((_, index) => index);
    const x = {
      ...shared,
      domain: [left, left + width],
      anchor: axisName("y", at),
      tickvals: numbers(grid.columns),
      ticktext: grid.columns.map(plotText),
      side: "bottom",
    };
    const y = {
      ...shared,
      anchor: axisName("x", at),
      autorange: "reversed",
      showticklabels: at === 0 || !isShared,
      tickvals: numbers(grid.rows),
      ticktext: grid.rows.map(plotText),
    };
    return [
      [`xaxis${suffix}`, x],
      [`yaxis${suffix}`, y],
    ] as const;
  });
  return Object.fromEntries(entries);
}

function titles(grids: readonly Grid[]): JsonObject[] {
  return zip(grids, placesOf(grids)).map(([{ title }, { left }]) => ({
    text: plotText(title),
    xref: "paper",
    yref: "paper",
    x: left,
    y: 1,
    xanchor: "left",
    yanchor: "bottom",
    yshift: 4,
    showarrow: false,
    font: { size: 13 },
  }));
}

function frameShapes(grids: readonly Grid[], frames: readonly Frame[]): JsonObject[] {
  return grids.flatMap((_, at) =>
    frames.map(({ row, column, rows, columns }) => ({
      type: "rect",
      xref: axisName("x", at),
      yref: axisName("y", at),
      x0: column - 0.5,
      x1: column + columns - 0.5,
      y0: row - 0.5,
      y1: row + rows - 0.5,
      line: { color: "#333a40", width: 2 },
      fillcolor: "rgba(0,0,0,0)",
    })),
  );
}

/** Grids of equal height side by side, all on one colour scale. */
export function matrixFigure(grids: readonly Grid[], options: MatrixOptions): Figure {
  const { title, caption = "", scale, colours = "signed", digits, frames = [] } = options;
  const largest = Math.max(0, ...grids.flatMap(({ values }) => values.flat()).map(Math.abs));
  const limit = options.limit ?? (largest === 0 ? 1 : largest);
  const rows = Math.max(...grids.map((grid) => grid.rows.length));
  const colorbar = { title: { text: scale, side: "right" }, thickness: 12, len: 1, outlinewidth: 0 };
  const hasTitles = grids.some((grid) => grid.title !== "");
  const layout = {
    height: (hasTitles ? 104 : 80) + ROW_PIXELS * rows,
    showlegend: false,
    margin: { t: hasTitles ? 70 : 46, b: 30 },
    hovermode: "closest",
    coloraxis: {
      colorscale: SCALES[colours],
      cmin: colours === "signed" ? -limit : 0,
      cmax: limit,
      showscale: digits === undefined, // numbers in the cells say it better
      colorbar,
    },
    annotations: titles(grids),
    shapes: frameShapes(grids, frames),
  };
  return {
    id: "matrix",
    title,
    caption,
    data: grids.map((grid, at) => trace(grid, at, options, limit)),
    layout: mergeJson(layout, axes(grids)),
    table: {
      head: ["", ...(grids[0]?.columns ?? [])],
      rows: grids.flatMap(({ title: name, rows: names, values }) =>
        zip(names, values).map(([row, cells]) => [
          grids.length > 1 ? `${name}: ${row}` : row,
          ...cells.map((value) => signed(value, digits ?? 3)),
        ]),
      ),
    },
  };
}
