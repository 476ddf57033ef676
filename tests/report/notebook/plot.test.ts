import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { rewardGrid } from "../../../src/report/advantageFigures.js";
import { JUPYTER_DISPLAY, JUPYTER_METADATA } from "../../../src/report/notebook/display.js";
import { drawSvg } from "../../../src/report/notebook/drawing.js";
import { plot } from "../../../src/report/notebook/plot.js";
import { transformPoint } from "../../../src/report/notebook/svgBox.js";
import { textWidth } from "../../../src/report/notebook/textWidth.js";

const bars = plot({
  title: "Two <models>",
  data: [{ type: "bar", name: "paper", x: ["MathVista", "AI2D"], y: [75.4, 84.5] }],
  layout: { yaxis: { title: { text: "accuracy (%)" } } },
});

describe("plot", () => {
  it("draws without a browser: axis labels and ticks stand in the picture, inside its edges", async () => {
    const svg = await drawSvg(bars);
    for (const text of ["MathVista", "AI2D", "accuracy (%)"]) expect(svg).toContain(text);
    const ticks = [...svg.matchAll(/class="ytick"><text[^>]*? x="([\d.]+)"[^>]*>([\d−]+)</g)];
    expect(ticks.map(([, , tick]) => Number(tick))).toEqual([0, 20, 40, 60, 80]);
    expect(ticks.every(([, x]) => Number(x) > 0)).toBe(true);
  });

  it("names the parts of a drawing by what is drawn: the same each time, others in another drawing", async () => {
    const idsOf = (svg: string) => [...svg.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    const first = await drawSvg(bars);
    expect(await drawSvg(bars)).toBe(first);
    const other = idsOf(await drawSvg({ ...bars, height: 300 }));
    expect(idsOf(first).filter((id) => other.includes(id))).toEqual([]);
  });

  it("brings an SVG that is dark where its page is, and has the inks that the rule turns", async () => {
    const svg = (await bars[JUPYTER_DISPLAY]())["image/svg+xml"] ?? "";
    const [, style = ""] =
      /^<svg [^>]*><style>[^@]*@media \(prefers-color-scheme: dark\) \{(.*?)\}<\/style>/.exec(svg) ?? [];
    // title, ticks and labels in the dark text's light; the paper dark
    expect(style).toContain('[style*="fill: rgb(51, 58, 64)"]:not(.cbfill) { fill: #c9d0d6 !important; }');
    expect(style).toContain(".sharegrpo-plot > rect, .sharegrpo-plot rect.bg { fill: #111111 !important; }");
    const drawing = svg.slice(svg.indexOf("</style>"));
    for (const ink of ["fill: rgb(51, 58, 64)", "stroke: rgb(227, 230, 234)"]) expect(drawing).toContain(ink);
    expect(drawing).toMatch(/^<\/style><rect [^>]*style="fill: rgb\(255, 255, 255\)/);
  });

  it("shows a PNG, twice as dense as its size on the page, and Plotly's own description, but no HTML", async () => {
    const bundle = await bars[JUPYTER_DISPLAY]();
    const png = await sharp(Buffer.from(bundle["image/png"] ?? "", "base64")).metadata();
    expect([png.width, png.height]).toEqual([2 * bars.width, 2 * bars.height]);
    expect(bundle[JUPYTER_METADATA]).toEqual({ "image/png": { width: bars.width, height: bars.height } });
    expect(bundle["application/vnd.plotly.v1+json"]).toMatchObject({ data: [{ y: [75.4, 84.5] }] });
    expect(bundle["text/html"]).toBeUndefined();
  });

  it("draws the cells of a grid in their colours", async () => {
    const { width, height, ...figure } = plot(rewardGrid([[1, 0]]));
    const svg = await drawSvg({ ...figure, width, height });
    const image = /href="data:image\/png;base64,([^"]+)"/.exec(svg)?.[1] ?? "";
    const { data, info } = await sharp(Buffer.from(image, "base64")).removeAlpha().raw().toBuffer({
      resolveWithObject: true,
    });
    const at = (share: number) => {
      const from =
        info.channels * (Math.floor(info.height / 2) * info.width + Math.floor(share * info.width));
      return [...data.subarray(from, from + 3)];
    };
    expect(at(0.25)).toEqual([0, 0x72, 0xb2]); // reward 1
    expect(at(0.75)).toEqual([255, 255, 255]); // reward 0
  });

  it("prints title and numbers in a script", async () => {
    const bundle = await plot(rewardGrid([[1, 0.1]], "Rewards"))[JUPYTER_DISPLAY]();
    expect(bundle["text/plain"]).toMatch(/^Rewards\n\n.*1.*2\n.*\nvariant 1 +1\.0 +0\.1$/);
  });

  it("brings the library along when asked to be interactive, and no text can end the script", async () => {
    const live = plot({ title: "</script>", data: [], layout: {} }, { isInteractive: true });
    const { "text/html": html = "" } = await live[JUPYTER_DISPLAY]();
    expect(html.length).toBeGreaterThan(1_000_000);
    expect(html.split("</script>")).toHaveLength(2);
  });
});

describe("textWidth", () => {
  it("adds Helvetica's widths: W 944, i 222, 1 556 thousandths", () => {
    expect(textWidth("Wi1", 10)).toBeCloseTo(17.22, 10);
  });
});

describe("transformPoint", () => {
  it("applies the last transform first", () => {
    const [x, y] = transformPoint([1, 0], "translate(10,0) rotate(90,0,0)");
    expect([Math.round(x), Math.round(y)]).toEqual([10, 1]);
  });
});
