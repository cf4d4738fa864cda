import { inflateSync } from "node:zlib";
import { parseHTML } from "linkedom";
import { expect, test } from "vitest";
import { drawHoverFigure } from "../../src/report/draw.ts";
import { drawHoverHeat, pngOf, type HeatMap } from "../../src/report/heat.ts";
import { hoverScript, type HoverCells, type HoverCurves } from "../../src/report/hover-script.ts";
import { domainsOf, panelsOf } from "../../src/report/telemetry-figures.ts";
import { heatPicture } from "../../src/report/study-heat.ts";
import { RESULT_FORMAT, type RunResult } from "../../src/study/result.ts";
import { summarize } from "../../src/study/summary.ts";
import type { TelemetryColumn, TelemetryRows } from "../../src/train/telemetry.ts";

const dataOf = (html: string) => {
  const box = parseHTML(`<html><body>${html}</body></html>`).document.querySelector("[data-hover]")!;
  const bytes = Buffer.from(box.getAttribute("data-values")!, "base64");
  return {
    hover: JSON.parse(box.getAttribute("data-hover")!) as HoverCurves & HoverCells,
    values: [...new Float32Array(Uint8Array.from(bytes).buffer)],
  };
};

test("the script of a page is at most 6 kB, and nothing in it ends it", () => {
  expect(hoverScript.length).toBeLessThanOrEqual(6000);
  expect(hoverScript).not.toContain("</");
});

test("a figure has the values that it draws, where they are, and what they are called", () => {
  const html = drawHoverFigure(
    {
      title: "loss",
      x: { label: "rate", scale: "log" },
      y: { label: "loss" },
      series: [
        {
          label: 'a "pre"',
          tone: 0,
          style: "line",
          points: [
            { x: 1e-3, y: 3, at: "h.0 edge 1, line 7" },
            { x: 1e-2, y: NaN },
            { x: 1e-1, y: 2.5 },
          ],
        },
      ],
    },
    { width: 400, height: 270 },
  );
  const { hover, values } = dataOf(html);
  expect(hover.series).toEqual([{ name: 'a "pre"', count: 2, at: ["h.0 edge 1, line 7", ""] }]);
  expect(values).toEqual([1e-3, 3, 1e-1, 2.5].map(Math.fround));
  // Where the script places the first point is where the drawing has it.
  const place = ({ log, domain: [a, b], range: [p, q] }: HoverCurves["x"], value: number): number => {
    const f = log ? Math.log : (x: number) => x;
    return p + ((f(value) - f(a)) / (f(b) - f(a))) * (q - p);
  };
  const path = /<path[^>]*aria-label="curve [^>]*>/.exec(html)![0];
  const [, x, y] = / d="M([\d.]+),([\d.]+)/.exec(path)!;
  expect(place(hover.x, 1e-3)).toBeCloseTo(Number(x), 1);
  expect(place(hover.y, 3)).toBeCloseTo(Number(y), 1);
});

const map: HeatMap = {
  title: "RMS",
  unit: "RMS of the stream",
  rows: ["edge 0, line 1", "edge 1, line 2"],
  steps: [1, 2, 4],
  values: Float32Array.of(1, 2, 4, 8, NaN, 16),
  domain: [1, 16],
};

test("a heat map has its values row by row from below, and its picture the row above first", () => {
  const html = drawHoverHeat(map);
  const { hover, values } = dataOf(html);
  expect(hover.rows).toEqual(map.rows);
  expect(hover.steps).toEqual([1, 2, 4]);
  expect(values).toEqual([1, 2, 4, 8, NaN, 16]);
  const png = Buffer.from(/base64,([^"]+)"/.exec(html)![1]!, "base64");
  const at = png.indexOf("IDAT");
  const lines = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  // A filter of none, then bytes a line; 8 is three quarters of the way from 1 to 16, and no value is 255.
  expect([...lines]).toEqual([0, 191, 255, 254, 0, 0, 64, 127]);
});

test("a picture by palette is a PNG: its chunks in order, each with its length", () => {
  const png = Buffer.from(pngOf(2, Uint8Array.of(0, 254, 255, 127)));
  const chunks: string[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    chunks.push(png.toString("latin1", at + 4, at + 8));
  expect(chunks).toEqual(["IHDR", "PLTE", "IDAT", "IEND"]);
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2, 2]);
});

const column = (index: number, more: Partial<TelemetryColumn>): TelemetryColumn => ({
  measure: "share",
  edge: `h.${index} edge`,
  index,
  line: 10 + index,
  branch: "attention",
  ...more,
});

test("attention and feed-forward have panels of their own, and a panel that is one number is a sentence", () => {
  const telemetry: TelemetryRows = {
    columns: [
      column(0, {}),
      column(1, { branch: "feed-forward" }),
      column(0, { measure: "rms" }),
      column(1, { measure: "rms", branch: "feed-forward" }),
    ],
    rows: [Float32Array.of(1, 0.1, 0.5, 1, 1), Float32Array.of(2, 0.4, 0.6, 1, 1)],
  };
  const panels = panelsOf(telemetry);
  expect(
    panels.map((panel) =>
      "sentence" in panel ? panel.sentence : [panel.title, panel.rows, [...panel.values]],
    ),
  ).toEqual([
    "RMS of the stream: 1 at every edge and every observed step.",
    ["Branch / carried, attention", ["h.0 edge, line 10"], [0.1, 0.4].map(Math.fround)],
    ["Branch / carried, feed-forward", ["h.1 edge, line 11"], [0.5, 0.6].map(Math.fround)],
  ]);
  expect([...domainsOf([telemetry]).keys()]).toEqual(["rms ", "share attention", "share feed-forward"]);
});

test("the picture of a study has a gradient map for each placement at the last of the other axes, at its best rate", () => {
  const resultOf = (kind: string, depth: string, rate: number, validation: number | null): RunResult => ({
    ...{
      format: RESULT_FORMAT,
      name: `${kind} ${depth} ${rate}`,
      set: { kind, depth },
      rate,
      seed: 1,
      steps: 9,
    },
    ...{ made: 9, loss: { first: 4, last: 3 }, validation, frequencies: null, alarm: null },
    stopped: validation === null ? { step: 5, why: "not finite" } : null,
  });
  const results = [
    ...[resultOf("pre", "2", 1e-2, 3), resultOf("pre", "4", 1e-3, 3), resultOf("pre", "4", 1e-2, 2)],
    ...[resultOf("none", "2", 1e-2, 3), resultOf("none", "4", 1e-2, null)],
  ];
  const seen: TelemetryRows = {
    columns: [column(0, { measure: "gradient" }), column(1, { measure: "gradient" })],
    rows: [Float32Array.of(1, 0.1, 0.5), Float32Array.of(2, 0.4, 0.6)],
  };
  const telemetry = new Map(results.map(({ name }) => [name, seen]));
  const summary = summarize(["kind", "depth"], results, results);
  const svg = heatPicture({ summary, results, telemetry })!;
  expect([...svg.matchAll(/font-weight="600"[^>]*>([^<]*)</g)].map(([, title]) => title)).toEqual([
    "pre, rate 1e-2",
    "none, rate 1e-2, stopped at 5",
  ]);
  expect(svg.match(/<image /g)).toHaveLength(4);
  expect(svg).not.toContain("var(");
  expect(heatPicture({ summary, results, telemetry: new Map() })).toBeUndefined();
});
