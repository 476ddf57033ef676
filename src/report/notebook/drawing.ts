/**
 * @module Draws Plotly figures without a browser: Plotly runs in jsdom, which has no layout, fonts or canvas, so that
 * these are stood in for.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { DOMWindow } from "jsdom";
import sharp from "sharp";
import { invariant } from "../../core/errors.js";
import { digestJson } from "../../core/files/digest.js";
import { Rng } from "../../core/rng.js";
import type { JsonObject } from "../figure.js";
import { type CanvasPrototype, installCanvas } from "./canvas.js";
import { type Box, boxOf } from "./svgBox.js";

/** What Plotly is asked to draw. */
export interface Drawing {
  readonly data: readonly JsonObject[];
  readonly layout: JsonObject;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

interface Plotly {
  newPlot(element: object, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
  toImage(element: object, options: object): Promise<string>;
  purge(element: object): void;
}

interface Page {
  readonly plotly: Plotly;
  /** Decides the names that Plotly gives to the parts of a drawing. */
  seed(random: () => number): void;
  readonly document: Document;
}

type Document = DOMWindow["document"];
type Element = InstanceType<DOMWindow["Element"]>;
type SvgElement = InstanceType<DOMWindow["SVGElement"]>;

/** Every element that is no drawing is as large as a page. */
const PAGE: Box = { x: 0, y: 0, width: 760, height: 400 };

/** What Plotly asks of a browser and jsdom does not have. */
function installStandIns(window: DOMWindow): void {
  const { SVGElement, Element, HTMLCanvasElement } = window;
  const identity = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0, inverse: () => identity };
  Object.assign(SVGElement.prototype, {
    getBBox(this: SvgElement) {
      return boxOf(this);
    },
    getComputedTextLength(this: SvgElement) {
      return boxOf(this).width;
    },
    getScreenCTM: () => identity,
  });
  Object.assign(Element.prototype, {
    getBoundingClientRect(this: Element) {
      const isDrawn = this.namespaceURI?.endsWith("/svg") && this.tagName !== "svg";
      const { x, y, width, height } = isDrawn ? boxOf(this) : PAGE;
      return { x, y, left: x, top: y, right: x + width, bottom: y + height, width, height };
    },
  });
  Object.assign(window.URL, { createObjectURL: () => "blob:none", revokeObjectURL: () => undefined });
  const never = () => undefined;
  Object.assign(window, {
    matchMedia: () => ({ matches: false, addEventListener: never, removeEventListener: never }),
  });
  const canvas: object = HTMLCanvasElement.prototype;
  installCanvas(canvas as CanvasPrototype);
}

/** The plotting library as text, from the installed package. */
export async function plotlySource(): Promise<string> {
  return readFile(createRequire(import.meta.url).resolve("plotly.js"), "utf8");
}

async function openPage(): Promise<Page> {
  const { JSDOM, VirtualConsole } = await import("jsdom");
  const { window } = new JSDOM("<!doctype html><body></body>", {
    pretendToBeVisual: true,
    runScripts: "outside-only",
    url: "http://localhost/",
    virtualConsole: new VirtualConsole(), // keeps the page's messages to itself
  });
  installStandIns(window);
  window.eval(await plotlySource());
  invariant("Plotly" in window, "drawing: plotly.js defines Plotly");
  const { Math: math } = window.eval("globalThis") as { Math: { random: () => number } };
  const seed = (random: () => number) => {
    math.random = random;
  };
  return { plotly: window["Plotly"] as Plotly, document: window.document, seed };
}

/** One page for all drawings of a process. */
const pages = new Map<"page", Promise<Page>>();

function sharedPage(): Promise<Page> {
  const page = pages.get("page") ?? openPage();
  pages.set("page", page);
  return page;
}

/**
 * The drawing as an SVG document. Its parts have names that follow from what is drawn: the same each time, and others in
 * another drawing on the same page.
 */
export async function drawSvg({ data, layout, width, height }: Drawing): Promise<string> {
  const { plotly, document, seed } = await sharedPage();
  const rng = Rng.fromSeed(0).split(digestJson({ data, layout, width, height }));
  seed(() => rng.uniform());
  const element = document.createElement("div");
  await plotly.newPlot(
    element,
    structuredClone(data),
    { ...structuredClone(layout), width, height },
    { staticPlot: true },
  );
  try {
    return await plotly.toImage(element, { format: "svg", imageDataOnly: true, width, height });
  } finally {
    plotly.purge(element);
  }
}

/** A drawing as a PNG file, `scale` pixels of it to one of the drawing's. */
export async function pngOf(svg: string, scale = 2): Promise<Uint8Array> {
  const png = sharp(Buffer.from(svg), { density: 72 * scale }).png({ palette: true, effort: 7 });
  return new Uint8Array(await png.toBuffer());
}
