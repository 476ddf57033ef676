/**
 * @module Pieces that several views are made of: numbers, states, tables, figures.
 */
import { useEffect, useRef } from "preact/hooks";
import type { DrawnFigure, RunState, RunSummary, TitledTable } from "../records.js";

interface PlotlyLibrary {
  react(element: HTMLElement, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
  purge(element: HTMLElement): void;
}
declare const Plotly: PlotlyLibrary;

export const share = (value: number): string =>
  Number.isFinite(value) ? `${(100 * value).toFixed(1)}\u00a0%` : "–";

/** `47.2 % [42.4, 52.1]` */
export function interval({ value, low, high }: RunSummary["scores"][number]["accuracy"]): string {
  if (!Number.isFinite(value)) return "–";
  return `${share(value)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}

export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

const MARKERS: Readonly<Record<RunState, string>> = { running: "●", finished: "✓", stopped: "■", died: "✗" };

export function State({ state }: { readonly state: RunState }) {
  return (
    <span class={`state ${state}`}>
      {MARKERS[state]} {state}
    </span>
  );
}

/** A curve the size of a word. */
export function Spark({ values }: { readonly values: readonly number[] }) {
  const [width, height] = [72, 18];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (at: number) => 1 + (at * (width - 2)) / Math.max(1, values.length - 1);
  const y = (value: number) => height - 2 - ((value - low) * (height - 4)) / Math.max(1e-9, high - low);
  const points = values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
      <polyline points={points} />
    </svg>
  );
}

export function Table({ title, note, head, rows }: TitledTable) {
  return (
    <section>
      <h2>{title}</h2>
      {rows.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                {head.map((cell) => (
                  <th scope="col">{cell}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr>
                  {row.map((cell) => (
                    <td>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {note !== undefined && <p class="quiet">{note}</p>}
    </section>
  );
}

export function Plot({ figure }: { readonly figure: DrawnFigure }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const at = element.current;
    if (at) Plotly.react(at, figure.data, figure.layout, { displayModeBar: false, responsive: true });
  }, [figure]);
  useEffect(() => () => (element.current ? Plotly.purge(element.current) : undefined), []);
  return (
    <figure>
      <figcaption>
        <h3>{figure.title}</h3>
        <p>{figure.caption}</p>
      </figcaption>
      <div class="plot" ref={element} role="img" aria-label={figure.title} />
    </figure>
  );
}

export function Figures({ figures }: { readonly figures: readonly DrawnFigure[] }) {
  if (figures.length === 0) return null;
  return (
    <div class="figures">
      {figures.map((figure) => (
        <Plot key={figure.id} figure={figure} />
      ))}
    </div>
  );
}

/** What goes wrong, or that nothing is there yet. */
export function Waiting({ problem }: { readonly problem?: string | undefined }) {
  return (
    <div class="waiting">
      {problem === undefined ? <p class="quiet">reading …</p> : <p class="missing">{problem}</p>}
    </div>
  );
}
