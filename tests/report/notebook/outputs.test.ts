import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { hierarchicalAdvantages } from "../../../src/advantage/shareGrpo.js";
import { sharePairs } from "../../../src/policy/share.js";
import type { QuestionGroup, Response } from "../../../src/records.js";
import { comparisonFigure } from "../../../src/report/comparison.js";
import { isNotebook, JUPYTER_DISPLAY, type MimeBundle } from "../../../src/report/notebook/display.js";
import { dataFrame, table } from "../../../src/report/notebook/frame.js";
import { pictures } from "../../../src/report/notebook/pictures.js";
import { liveCurves, progressBar, UPDATE_EVERY_MS } from "../../../src/report/notebook/progress.js";
import { viewAnswers, viewGroups } from "../../../src/report/notebook/samples.js";
import { tokenStrip } from "../../../src/report/notebook/tokens.js";
import type { StepMetrics } from "../../../src/train/run/metrics.js";

const EVIL = `</style><script>alert("x")</script><img src=x onerror='y'>`;

/** HTML in which every tag is one that this library writes. */
function tagsOf(html = ""): string[] {
  return [...new Set([...html.matchAll(/<([a-z]+)/g)].map(([, name = ""]) => name))].sort();
}

function responseOf(
  j: number,
  i: number,
  isCorrect: boolean,
  stopReason: "eos" | "length" = "eos",
): Response {
  return {
    questionId: "q",
    j,
    i,
    text: `<think>${EVIL}</think> \\boxed{${isCorrect ? 3 : 4}}`,
    rollout: { tokens: Int32Array.of(1), logProbs: Float32Array.of(0), stopReason },
    reward: {
      overall: isCorrect ? 1 : 0.1,
      accuracy: isCorrect ? 1 : 0,
      format: 1,
      extracted: { kind: "answer", text: EVIL },
      reason: "same text",
    },
  };
}

async function groupOf(): Promise<QuestionGroup> {
  const png = await sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const images = [{ kind: "bytes", bytes: new Uint8Array(png) }] as const;
  const responses = [
    [responseOf(0, 0, true), responseOf(0, 1, false)],
    [responseOf(1, 0, false, "length"), responseOf(1, 1, false)],
  ];
  const rewards = responses.map((row) => row.map(({ reward }) => reward.overall));
  const variant = { questionId: "q", wording: "original", transform: "none", text: EVIL, images } as const;
  return {
    question: { id: "q", text: EVIL, images, gold: "3", rewrites: [], category: "count" },
    variants: [
      { ...variant, index: 0 },
      { ...variant, index: 1 },
    ],
    responses,
    pairs: sharePairs(responses, hierarchicalAdvantages(rewards)),
  };
}

describe("a test", () => {
  it("is no notebook", () => {
    expect(isNotebook()).toBe(false);
  });
});

describe("viewGroups", () => {
  it("shows image, prompt, thought, answer, gold, verdict, reward and advantages, all of it escaped", async () => {
    const { "text/html": html = "" } = await viewGroups([await groupOf()])[JUPYTER_DISPLAY]();
    expect(tagsOf(html)).not.toContain("script");
    expect(html).not.toContain("onerror='");
    expect(html).toContain("data:image/png;base64,");
    expect(html).toContain("said thought");
    for (const part of ["extracted", "gold", "verdict", "reward", "advantage"]) {
      expect(html).toContain(`<dt>${part}</dt>`);
    }
    // Rewards 1, 0.1, 0.1, 0.1: mean 0.325, sample deviation 0.45. Global 1.5 and −0.5; local of variant 1 ±0.7071.
    expect(html).toContain("own +2.21");
    expect(html).toContain("cross +1.50");
  });

  it("filters by style alone", async () => {
    const { "text/html": html = "" } = await viewGroups([await groupOf()])[JUPYTER_DISPLAY]();
    expect(html).toMatch(/value="all" checked>all <span class="quiet">4</);
    expect(html).toMatch(/value="wrong">wrong <span class="quiet">3</);
    expect(html).toMatch(/value="truncated">truncated <span class="quiet">1</);
    expect(html).toContain(".gallery:has(input[value=wrong]:checked) .response:not([data-marks~=wrong])");
  });
});

describe("HTML output", () => {
  it("asks front ends not to typeset what stands between dollar signs", async () => {
    const { "text/html": html } = await table([{ said: "$5 and $6" }])[JUPYTER_DISPLAY]();
    expect(html).toMatch(/^<div class="sharegrpo tex2jax_ignore mathjax_ignore">/);
  });
});

describe("HTML output without its style sheet, as JupyterLab shows what did not run there", () => {
  it("hides controls that work by the sheet alone, and keeps words and boxes apart", async () => {
    const { "text/html": html = "" } = await viewGroups([await groupOf()])[JUPYTER_DISPLAY]();
    expect(html).toContain('<p class="filters" style="display:none" role=');
    expect(html).toContain('<p class="missing nothing" style="display:none">');
    expect(html).toMatch(/<li class="response" style="border:[^"]*" data-marks=/);
    expect(html).toContain(".filters { display: flex !important; }");
  });

  it("takes no text for a tag", async () => {
    const { "text/html": html } = await table([{ said: '<td class="number">' }])[JUPYTER_DISPLAY]();
    expect(html).toContain(">&lt;td class=&quot;number&quot;&gt;</td>");
  });
});

describe("viewAnswers", () => {
  it("shows one answer a question, with the reason of its verdict", async () => {
    const { "text/html": html = "" } = await viewAnswers([
      {
        questionId: "MMStar 1",
        category: "colour",
        question: EVIL,
        gold: "B",
        images: [],
        response: EVIL,
        stopReason: "eos",
        extracted: { none: "no rule" },
        reward: { accuracy: 0, reason: "unparsed: no rule" },
      },
    ])[JUPYTER_DISPLAY]();
    expect(tagsOf(html)).not.toContain("script");
    expect(html).toContain("unparsed: no rule");
    expect(html).not.toContain("zero advantage");
  });
});

describe("table", () => {
  it("sets numbers to the right, gaps as dashes, whole numbers without digits, and escapes text", async () => {
    const shown = table(
      [
        { model: EVIL, score: 1.25, rows: 14 },
        { model: "b", score: null, rows: 2 },
      ],
      { digits: 1 },
    );
    const bundle = await shown[JUPYTER_DISPLAY]();
    const html = bundle["text/html"] ?? "";
    expect(tagsOf(html)).not.toContain("script");
    expect(html).toMatch(/<td class="number"[^>]*>1\.3<\/td>/);
    expect(html).toMatch(/<td class="number"[^>]*>–<\/td>/);
    expect(html).toMatch(/<td class="number"[^>]*>14<\/td>/);
    expect(bundle["text/plain"]).toContain("1.3");
  });

  it("sets the points of a column below each other", async () => {
    const shown = table([
      { score: 67, loss: 0.00012, tokens: 28.417 },
      { score: 70.2, loss: 1.5, tokens: 1234.5 },
      { score: null, loss: -2, tokens: 0 },
    ]);
    const { "text/plain": plain } = await shown[JUPYTER_DISPLAY]();
    // Four significant digits of 28.417 are 28.42: two behind the point. Numbers of very unlike sizes stay as they are.
    expect(plain.split("\n").slice(2)).toEqual([
      "67.0   1.20e-4     28.42",
      "70.2       1.5  1,234.50",
      "–           −2      0.00",
    ]);
  });

  it("breaks long words, and no others", async () => {
    const bundle = await table([{ said: "x".repeat(50), score: "58.1" }])[JUPYTER_DISPLAY]();
    expect(bundle["text/html"]).toMatch(/<td class="long" style="[^"]*break-word">x/);
    expect(bundle["text/html"]).toContain('<td style="text-align:left;max-width:480px">58.1');
  });

  it("keeps intervals on one line", async () => {
    const bundle = await table([{ score: "14.3 [4.0, 39.9]" }])[JUPYTER_DISPLAY]();
    expect(bundle["text/html"]).toContain("14.3 [4.0,\u00a039.9]");
    expect(bundle["text/plain"]).toContain("14.3 [4.0, 39.9]");
  });

  it("never lets text become markup", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "a", "/") }),
        async (text) => {
          const { "text/html": html } = await table([{ [`c${text}`]: text }])[JUPYTER_DISPLAY]();
          expect(tagsOf(html)).toEqual(["div", "style", "table", "tbody", "td", "th", "thead", "tr"]);
        },
      ),
      { numRuns: 50, seed: 1 },
    );
  });
});

describe("dataFrame", () => {
  it("sorts and filters as danfo does, and every frame it returns shows itself, gaps as dashes", async () => {
    const frame = await dataFrame([
      { model: "a", rank: 3, score: 1 },
      { model: "b", rank: 2, score: null },
      { model: "c", rank: 1, score: 3 },
    ]);
    const sorted = frame.sortValues("rank", { ascending: true });
    const show = (value: object) => {
      const describe: unknown = Reflect.get(value, JUPYTER_DISPLAY);
      if (typeof describe !== "function") throw new Error("the frame cannot show itself");
      return Reflect.apply(describe, value, []) as MimeBundle;
    };
    expect(show(sorted)["text/html"]).toMatch(/>c<.*>a</s);
    expect(show(frame)["text/html"]).toMatch(/<td class="number"[^>]*>–<\/td>/);
  });
});

describe("pictures", () => {
  it("draws what browsers do not show, says what cannot be drawn, and escapes captions", async () => {
    const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>`);
    const { "text/html": html = "" } = await pictures([
      { image: new Uint8Array(svg), caption: EVIL },
      { image: Uint8Array.of(1, 2, 3), caption: "broken" },
    ])[JUPYTER_DISPLAY]();
    expect(html).toContain("data:image/png;base64,");
    expect(html).toContain("cannot be decoded");
    expect(tagsOf(html)).not.toContain("script");
  });
});

describe("tokenStrip", () => {
  it("colours tokens by their numbers, strongest at the largest, and escapes them", async () => {
    const strip = tokenStrip(["<think>", "3"], [{ name: "change", values: [-1, 2] }]);
    const { "text/html": html = "" } = await strip[JUPYTER_DISPLAY]();
    expect(html).toContain('style="background:rgba(213,94,0,0.275)">&lt;think&gt;</span>');
    expect(html).toContain('style="background:rgba(0,114,178,0.550)">3</span>');
  });

  it("keeps the colours of a row in which some value is no number", async () => {
    const strip = tokenStrip(
      ["a", "b", "c"],
      [{ name: "n", values: [Number.NaN, -1, Number.POSITIVE_INFINITY] }],
    );
    const { "text/html": html = "" } = await strip[JUPYTER_DISPLAY]();
    const colours = [...html.matchAll(/style="background:([^"]*)"/g)].map(([, colour]) => colour);
    expect(colours).toEqual(["none", "rgba(213,94,0,0.550)", "rgba(0,114,178,0.550)"]);
    expect(html).toContain("largest 1.0");
  });

  it("refuses rows of another length than the tokens", () => {
    expect(() => tokenStrip(["a"], [{ name: "n", values: [1, 2] }])[JUPYTER_DISPLAY]()).toThrow();
  });
});

describe("progressBar", () => {
  it("updates at most twice a second, shows the time left, and always shows the end", () => {
    const shown: string[] = [];
    let time = 0;
    const output = { show: (bundle: MimeBundle) => void shown.push(bundle["text/plain"]) };
    const onProgress = progressBar("p", { now: () => time, output });
    for (let done = 0; done <= 100; done++) {
      time = done * 50;
      onProgress({ phase: "rollout", done, total: 100 });
    }
    expect(shown.length).toBeLessThanOrEqual(2 + 5000 / UPDATE_EVERY_MS);
    expect(shown[1]).toBe("rollout: 10/100 · 5 s left");
    expect(shown.at(-1)).toBe("rollout: 100/100");
  });

  it("prints a line now and then in a script", () => {
    const lines: string[] = [];
    let time = 0;
    const onProgress = progressBar("p", { now: () => time, writeLine: (line) => void lines.push(line) });
    for (let done = 0; done <= 100; done++) {
      time = done * 100;
      onProgress({ phase: "rollout", done, total: 100 });
    }
    expect(lines).toEqual(["rollout: 0/100", "rollout: 50/100 · 5 s left", "rollout: 100/100"]);
  });
});

describe("liveCurves", () => {
  it("keeps every step, draws at most twice a second, and draws the last one", async () => {
    const shown: MimeBundle[] = [];
    let time = 0;
    const seen: number[] = [];
    const draw = (steps: readonly { readonly step: number }[]) => {
      seen.push(steps.length);
      const run = { name: "run", steps: [...steps] };
      return comparisonFigure([run], { metric: "reward/overall", title: "t", axis: "a" });
    };
    const output = { show: (bundle: MimeBundle) => void shown.push(bundle) };
    const curves = liveCurves(draw, "c", { now: () => time, output });
    const metrics = { "reward/overall": 0.5 } as StepMetrics;
    for (let step = 1; step <= 3; step++) {
      time += 100;
      curves.onStep(step, metrics);
    }
    await curves.finish();
    expect(curves.steps.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(seen).toEqual([1, 3]);
    expect(shown.at(-1)?.["image/png"]).toBeDefined();
  });
});
