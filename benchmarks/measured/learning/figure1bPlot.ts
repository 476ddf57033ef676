/**
 * @module Figure 1(b) as a figure: our curves with the spread between seeds, beside the paper's, on the same axes.
 */
import { COLOURS, type Figure, type JsonObject } from "../../../src/report/figure.js";
import { FIGURE_1B } from "../../tables/paper.js";
import type { Figure1b, Quantity, SeedCurve } from "./figure1bCurves.js";

/** Share-GRPO and GRPO wear the same colours in all four panels. */
const STYLES = [
  { colour: COLOURS.blue, band: "rgba(0, 114, 178, 0.18)" },
  { colour: COLOURS.vermillion, band: "rgba(213, 94, 0, 0.18)" },
] as const;

interface Panel {
  readonly x: string;
  readonly y: string;
}

/** The mean as a line, the lowest to the highest seed as a band. */
function ownTraces(curve: SeedCurve, at: number, panel: Panel): JsonObject[] {
  const { colour, band } = STYLES[at] ?? STYLES[0];
  const axes = { type: "scatter", mode: "lines", xaxis: panel.x, yaxis: panel.y };
  const back = [...curve.steps].reverse();
  return [
    {
      ...axes,
      x: [...curve.steps, ...back],
      y: [...curve.high, ...[...curve.low].reverse()],
      fill: "toself",
      fillcolor: band,
      line: { width: 0 },
      hoverinfo: "skip",
      showlegend: false,
    },
    {
      ...axes,
      x: curve.steps,
      y: curve.mean,
      name: curve.algorithm,
      line: { color: colour, width: 2 },
      showlegend: panel.x === "x" && panel.y === "y",
    },
  ];
}

const PAPER_POINTS = {
  reward: ["rewardShare", "rewardGrpo"],
  validShare: ["validShare", "validGrpo"],
} as const;

function paperTraces(quantity: Quantity, panel: Panel): JsonObject[] {
  return PAPER_POINTS[quantity].map((key, at) => ({
    type: "scatter",
    mode: "lines+markers",
    xaxis: panel.x,
    yaxis: panel.y,
    x: FIGURE_1B.map(({ step }) => step),
    y: FIGURE_1B.map((point) => point[key]),
    line: { color: (STYLES[at] ?? STYLES[0]).colour, width: 2 },
    marker: { size: 4 },
    showlegend: false,
  }));
}

const ROWS: readonly { readonly quantity: Quantity; readonly y: string }[] = [
  { quantity: "reward", y: "y" },
  { quantity: "validShare", y: "y2" },
];

const LABEL = { size: 13 };
const LEFT = [0, 0.47];
const RIGHT = [0.53, 1];

/** Two columns, ours and the paper's; two rows, reward and valid-advantage ratio, each with one scale. */
export function figure1bPlot(result: Figure1b): Figure {
  const data = ROWS.flatMap(({ quantity, y: axis }, row) => [
    ...result.curves
      .filter((curve) => curve.quantity === quantity)
      .flatMap((curve, at) => ownTraces(curve, at, { x: row === 0 ? "x" : "x3", y: axis })),
    ...paperTraces(quantity, { x: row === 0 ? "x2" : "x4", y: axis }),
  ]);
  const x = (domain: readonly number[], anchor: string, title = "") => ({
    domain,
    anchor,
    title: { text: title, font: LABEL },
    rangemode: "tozero",
    zeroline: false,
  });
  const y = (domain: readonly number[], title: string, range: readonly number[]) => ({
    domain,
    title: { text: title, font: LABEL },
    range,
  });
  const heading = (text: string, at: number) => ({
    text: `<b>${text}</b>`,
    x: at,
    y: 1,
    xref: "paper",
    yref: "paper",
    xanchor: "center",
    yanchor: "bottom",
    showarrow: false,
  });
  const shares = result.curves.filter(({ quantity }) => quantity === "validShare");
  return {
    id: "figure-1b",
    title: "Share-GRPO keeps more questions teaching",
    caption: `Left: drawn scenes, mean of ${result.seeds.length} seeds and the range between them. Right: the paper's Figure 1(b), one run of a 7B model, read off the picture.`,
    data,
    layout: {
      height: 580,
      margin: { t: 104 },
      xaxis: x(LEFT, "y"),
      xaxis2: x(RIGHT, "y"),
      xaxis3: x(LEFT, "y2", "training step"),
      xaxis4: x(RIGHT, "y2", "training step"),
      yaxis: y([0.55, 1], "reward", [0.4, 0.75]),
      yaxis2: y([0, 0.45], "valid-advantage ratio", [0.45, 1]),
      annotations: [heading("ours, tiny policy", 0.235), heading("the paper, 7B", 0.765)],
      legend: { orientation: "h", x: 0, y: 1.06, yanchor: "bottom" },
      showlegend: true,
    },
    table: {
      head: ["step", ...shares.map(({ algorithm }) => `${algorithm}: valid-advantage ratio`)],
      rows: (shares[0]?.steps ?? []).map((step, at) => [
        String(step),
        ...shares.map(({ mean }) => (mean[at] ?? Number.NaN).toFixed(3)),
      ]),
    },
  };
}
