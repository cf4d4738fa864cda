import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { drawFigure } from "../../src/report/draw.ts";
import { hoverScript, type HoverCurves } from "../../src/report/hover-script.ts";
import type { Figure, Point } from "../../src/report/figure.ts";
import { probePicture, probeReport } from "../../src/report/probe.ts";
import type { Probed, ProbedCase } from "../../src/run/probe/probed.ts";
import { trainingReport, type TrainingReport } from "../../src/report/training.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { graphOf } from "../lower/support.ts";

const curve = (...values: number[]): readonly Point[] => values.map((y, index) => ({ x: index + 1, y }));
const hostile = `</title><script>alert("x")</script> & 'q'`;

const edge = {
  line: "7",
  name: "edge 0",
  source: "stream",
  branch: "mlp",
  placement: "pre",
  norms: "",
  gains: "",
  fused: "add + norm",
  refused: "a\nb",
  repeats: "× 3",
};

const training = (more: Partial<TrainingReport> = {}): string =>
  trainingReport({
    title: "tiny",
    command: "lmg train tiny.lmg",
    settings: [["optimizer", "adamw"]],
    notes: ["ended well"],
    measures: [
      { name: "loss", training: curve(4, 3, 2.5, 2.2), validation: curve(3.5, 2.4) },
      { name: "accuracy", training: curve(0.1, 0.2, 0.4, 0.5), validation: [] },
    ],
    learningRate: curve(1e-3, 2e-3, 1e-3, 0),
    gradientNorm: curve(0.6, 17, 3, 2),
    edges: [edge],
    ...more,
  });

const sizes = (activation: number, gradient: number) => ({ activation, gradient });

function probedCase(variant: string, values: readonly number[], more: Partial<ProbedCase> = {}): ProbedCase {
  const edges = values.map((value, index) => ({
    name: `h.${index} edge 0`,
    line: index === 0 ? undefined : 10 + index,
    before: sizes(value, 1 / value),
    largest: 4 * value,
    share: 0.5,
    lanes: undefined,
    paths: index === 1 ? { carried: 0.25 / value, held: 0.5 / value } : undefined,
    inFloat32: index === 1 ? sizes(value, 2 / value) : undefined,
    lines: {
      uncorrelated: index === 0 ? ("begins" as const) : value * 1.1,
      carried: 0.5 / value,
      alike: index === 0 ? ("branch" as const) : 2 / value,
    },
    after: undefined,
  }));
  return {
    variant,
    depth: 4,
    form: "y = x + f(N(x))",
    loss: 4.2,
    edges,
    taps: [],
    training: undefined,
    ...more,
  };
}

const probed = (...cases: readonly ProbedCase[]): Probed => ({
  title: "depth: what depth does",
  command: "lmg probe depth.lmg",
  settings: [["input", "random"]],
  notes: ["It promises nothing."],
  cases,
});

const trainedCase = (variant: string, steps: number, losses: readonly number[]): ProbedCase => {
  const found = probedCase(variant, [1, 2, 3]);
  return {
    ...found,
    edges: found.edges.map((each) => ({ ...each, after: sizes(NaN, 0) })),
    training: { steps, losses, gradientNorms: losses.map((loss) => loss / 2), validation: 2.5, seconds: 3 },
  };
};

/** The document, after what is true of every report. */
function checked(html: string): ReturnType<typeof parseHTML>["document"] {
  const { document } = parseHTML(html);
  expect(html.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(
    /https?:|\bsrc=|\bhref=|@import|url\(/,
  );
  expect(document.querySelectorAll("link, iframe, img").length).toBe(0);
  // No script but the page's own: a text that looks like one is a text.
  const scripts = [...document.querySelectorAll("script")].map(({ textContent }) => textContent);
  expect(scripts).toEqual(document.querySelector("[data-hover]") === null ? [] : [hoverScript]);
  // A coordinate that is none: what NaN and infinity would leave in a path.
  for (const svg of document.querySelectorAll("svg")) checkDrawing(svg.outerHTML);
  expect(document.querySelectorAll("svg").length).toBeGreaterThan(0);
  return document;
}

function checkDrawing(svg: string): void {
  expect(svg).not.toMatch(/="[^"]*(NaN|Infinity|undefined)/);
  // As XML, whose parser knows no optional tags: the root is what was written.
  const { document } = parseHTML(`<!doctype html><html><body>${svg}</body></html>`);
  expect(document.querySelectorAll("body > svg").length).toBe(1);
  expect(document.querySelector("body")!.children.length).toBe(1);
}

const textsOf = (
  document: { querySelectorAll(selector: string): Iterable<{ textContent: string | null }> },
  selector: string,
): string[] => [...document.querySelectorAll(selector)].map(({ textContent }) => textContent ?? "");

describe("the report of a training", () => {
  test("is one page with a figure for each measure, the settings and the residual edges", () => {
    const document = checked(training());
    expect(
      textsOf(document, "svg text").filter((text) =>
        ["Loss", "accuracy", "Norm of all gradients", "Learning rate"].includes(text),
      ),
    ).toEqual(["Loss", "accuracy", "Norm of all gradients", "Learning rate"]);
    expect(textsOf(document, "td")).toEqual([
      "7",
      "edge 0 (× 3)",
      "mlp",
      "stream",
      "pre",
      "",
      "add + norm",
      "ab",
    ]);
    expect(textsOf(document, "dt, dd")).toEqual(["optimizer", "adamw"]);
    expect(textsOf(document, "pre")).toEqual(["$ lmg train tiny.lmg"]);
  });

  test("marks the norm of gradients at both ends of its axis", () => {
    const figure = [...checked(training()).querySelectorAll("svg")].find((svg) =>
      svg.getAttribute("aria-label")!.startsWith("Norm of all gradients"),
    )!;
    const axis = figure.querySelector('[aria-label="y-axis tick label"]')!;
    expect([...axis.children].map(({ textContent }) => textContent)).toEqual([
      "0.5",
      "1",
      "2",
      "5",
      "10",
      "20",
    ]);
    const heights = [...axis.children].map((text) =>
      Number(/,([\d.]+)\)/.exec(text.getAttribute("transform")!)![1]),
    );
    // 270 high, with margins of 50 above and 40 below.
    expect(heights[0]).toBeCloseTo(230, 3);
    expect(heights.at(-1)).toBeCloseTo(50, 3);
  });

  test("shows texts as texts", () => {
    const html = training({
      title: hostile,
      command: hostile,
      notes: [hostile],
      settings: [[hostile, hostile]],
      measures: [{ name: hostile, training: curve(1, 2), validation: [] }],
      edges: [{ ...edge, branch: hostile }],
    });
    const document = checked(html);
    expect(document.title).toBe(hostile);
    expect(textsOf(document, "h1, p, dt, dd")).toEqual([hostile, hostile, hostile, hostile]);
  });

  test.each<[string, readonly Point[]]>([
    ["nothing", []],
    ["one point", curve(3)],
    ["NaN alone", curve(NaN, NaN)],
    ["NaN in the middle and infinity at the end", curve(3, NaN, 2, Infinity)],
    ["zeros, which a log axis does not have", curve(0, 0, 0)],
    ["one value", curve(2, 2, 2)],
    ["values from one end of the numbers to the other", curve(1e-30, 1e30)],
  ])("draws %s", (_, points) => {
    checked(
      training({
        measures: [{ name: "loss", training: points, validation: points }],
        learningRate: points,
        gradientNorm: points,
        edges: [],
      }),
    );
  });
});

describe("a figure", () => {
  const figure = (points: readonly Point[], more: Partial<Figure> = {}): Figure => ({
    title: "t",
    x: { label: "x" },
    y: { label: "y", scale: "log" },
    series: [{ label: "curve", tone: 0, style: "line", points }],
    ...more,
  });
  const size = { width: 400, height: 270 };

  test("breaks a line where a value cannot be drawn", () => {
    const svg = drawFigure(figure(curve(1, 2, NaN, 4, 5, -1, 2, 3)), size);
    checkDrawing(svg);
    const path = /aria-label="line"[^>]*>\s*<path[^>]* d="([^"]*)"/.exec(svg)![1]!;
    expect(path.match(/M/g)!.length).toBe(3);
  });

  test("says so if there is nothing to draw", () => {
    expect(drawFigure(figure(curve(NaN)), size)).toContain("no finite values");
    expect(drawFigure(figure([]), size)).toContain("no finite values");
    expect(drawFigure(figure(curve(1)), size)).not.toContain("no finite values");
  });

  test("names its curves at their ends, none over another", () => {
    const series = Array.from({ length: 8 }, (_, tone) => ({
      label: `curve ${tone}`,
      tone,
      style: "line" as const,
      points: curve(1, 1 + tone / 1000),
    }));
    const svg = drawFigure(figure([], { series }), size);
    const heights = series.map(({ label }) =>
      Number(new RegExp(`y="([\\d.]+)"[^>]*>${label}</text>`).exec(svg)![1]),
    );
    heights.sort((a, b) => a - b);
    heights
      .slice(1)
      .forEach((height, index) => expect(height - heights[index]!).toBeGreaterThanOrEqual(12.9));
    expect(heights[0]).toBeGreaterThan(0);
    expect(heights.at(-1)).toBeLessThan(size.height);
  });
});

describe("the report of a probe", () => {
  const full = probed(
    probedCase("pre", [1, 2, 3], { depth: 2 }),
    probedCase("pre", [1, 2, 3, 4], { depth: 4 }),
    probedCase(hostile, [1, 1e-19, 0, NaN]),
  );

  test("is one page with every number, and texts as texts", () => {
    const html = probeReport(full);
    const document = checked(html);
    expect(textsOf(document, "summary")).toEqual([
      "pre, depth 2: y = x + f(N(x))",
      "pre, depth 4: y = x + f(N(x))",
      `${hostile}, depth 4: y = x + f(N(x))`,
    ]);
    const rows = [...document.querySelectorAll("details")[2]!.querySelectorAll("tbody tr")];
    expect(rows.map((row) => textsOf(row, "td").slice(0, 5))).toEqual([
      ["", "h.0 edge 0", "1", "–", "1"],
      ["11", "h.1 edge 0", "1.00e-19", "1.10e-19", "1.00e+19"],
      ["12", "h.2 edge 0", "0", "0", "Infinity"],
      ["13", "h.3 edge 0", "NaN", "NaN", "NaN"],
    ]);
    const [pre] = document.querySelectorAll("details");
    expect(textsOf(pre!, "th")).toEqual([
      ...["line", "edge", "activation RMS", "if uncorrelated"],
      ...["gradient norm", "carried only", "all paths alike"],
      ...["activation in float32", "gradient in float32"],
    ]);
    expect(textsOf(pre!, "tbody tr:nth-child(2) td").slice(2)).toEqual([
      "2",
      "2.2",
      "0.5",
      "0.25",
      "1",
      "2",
      "1",
    ]);
    expect(pre!.textContent).toContain("float32 misses the size or the gradient by more than 1 % at 1 edge");
    expect(pre!.textContent).toContain(
      "all paths alike: no point at 1 edge: the branch is neither scale-free",
    );
  });

  test("says of each point its edge and the line of the model, also of a line of theory, from either end", () => {
    const { document } = parseHTML(probeReport(probed(probedCase("pre", [1, 2]))));
    const told = [...document.querySelectorAll("[data-hover]")].flatMap((box) =>
      (JSON.parse(box.getAttribute("data-hover")!) as HoverCurves).series.map(({ name, at }) => [name, at]),
    );
    const forward = ["h.0 edge 0", "h.1 edge 0, line 11"];
    const of = (edges: readonly string[], line: string) => edges.map((edge) => `${edge}: ${line}`);
    const back = forward.toReversed();
    expect(told).toEqual([
      ["pre", forward],
      ["pre", back],
      // The line begins at the first edge, which has no point of it.
      ["", of(forward.slice(1), "if uncorrelated")],
      ["", forward],
      ["", of(back, "carried only")],
      ["", of(back.slice(0, 1), "all paths alike")],
      ["", back],
    ]);
  });

  test("has each model's picture beside its edges, in a root of its own", () => {
    const shown = (...graphs: readonly Graph[]) => {
      const html = probeReport(probed(probedCase("pre", [1]), probedCase("post", [1])), graphs);
      return [...parseHTML(html).document.querySelectorAll("details")].map(
        (details) =>
          /<svg [^>]*aria-label="(\w+)"/.exec(
            details.querySelector(".beside > .picture > template")?.innerHTML ?? "",
          )?.[1] ?? "",
      );
    };
    const graph = graphOf(
      "model seen {\n  input x: f32[B, 2]\n  residual { fc: linear(2) }\n  output y: f32[B, 2]\n}\n",
    );
    expect(shown(graph)[0]).toContain("seen");
    expect(shown(graph)[1]).toBe("");
    expect(shown()).toEqual(["", ""]);
  });

  test("tells what became of trainings, also of one that ended with NaN", () => {
    const html = probeReport(probed(trainedCase("pre", 4, [4, 3, 2, 1]), trainedCase("none", 4, [9])));
    const document = checked(html);
    const rows = [...document.querySelector("table")!.querySelectorAll("tbody tr")].map((row) =>
      textsOf(row, "td"),
    );
    expect(rows).toEqual([
      ["pre, depth 4", "y = x + f(N(x))", "4", "4.200", "1.000", "2.500", "3"],
      ["none, depth 4", "y = x + f(N(x))", "1: NaN or infinity", "4.200", "9.000", "2.500", "3"],
    ]);
    expect(html).toContain("† none: NaN or infinity after 1 step");
  });

  test.each([
    ["one edge", probedCase("pre", [2])],
    ["only NaN", probedCase("pre", [NaN, NaN])],
    ["no variant and no depth", probedCase("", [1, 2], { depth: undefined })],
    ["a training that made no step", trainedCase("pre", 3, [])],
  ])("draws %s", (_, found) => {
    checked(probeReport(probed(found)));
    checkDrawing(probePicture(probed(found)));
  });

  test("has a picture of its curves alone, with the colours of light and dark", () => {
    const svg = probePicture(
      probed(trainedCase("pre", 4, [4, 3, 2, 1]), trainedCase("post", 4, [4, 3, 2, 2])),
    );
    checkDrawing(svg);
    expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
    expect(svg).toContain("prefers-color-scheme:dark");
    // Viewers that know no variables of CSS would paint all black.
    expect(svg).not.toContain("var(");
    for (const [, name] of svg.matchAll(/class="([\w-]+)"/g)) expect(svg).toContain(`.${name!}{`);
    expect(svg.match(/<g transform="translate\(\d+,\d+\)"><svg /g)!.length).toBe(4);
  });
});
