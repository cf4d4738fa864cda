import { describe, expect, test } from "vitest";
import { probeEdges } from "../../src/autodiff/probe.ts";
import type { EdgeForm } from "../../src/autodiff/probe-form.ts";
import { edgeLines, type EdgeLines, type EdgeMeasure, type LinePoint } from "../../src/autodiff/theory.ts";
import { initialParameters } from "../../src/ir/initialize.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { trainingGraph } from "./classifier.ts";

const free: EdgeForm = {
  follows: true,
  branch: "scale_free",
  branchSize: "scale_free",
  post: "proportional",
  isReadElsewhere: false,
};
const proportional: EdgeForm = { ...free, branch: "proportional", branchSize: "proportional" };
const postNorm: EdgeForm = { ...proportional, post: "scale_free" };

interface FormOptions {
  readonly form: EdgeForm;
  /** B at the first edge. */
  readonly branch: number;
  readonly skipGain?: number;
  readonly branchGain?: number;
  /** Mean square of the first stream. */
  readonly source?: number;
  /** What a norm after the add gives. */
  readonly normed?: number;
}

/** What a probe would hand over of `count` equal edges in which nothing is correlated. Gradients that no line begins with are absurd. */
function measuresOf(count: number, options: FormOptions): readonly EdgeMeasure[] {
  const { form, branch, skipGain = 1, branchGain = 1, source = 1, normed = 1 } = options;
  let q = source;
  return Array.from({ length: count }, (_, index): EdgeMeasure => {
    const before = q;
    const added = form.branchSize === "proportional" ? (branch * before) / source : branch;
    const sum = skipGain ** 2 * before + branchGain ** 2 * added;
    q = form.post === "scale_free" ? normed ** 2 : sum;
    return {
      form: { ...form, follows: index > 0 },
      activation: Math.sqrt(q),
      gradient: index === count - 1 ? 1 : 1e9,
      source: Math.sqrt(before),
      branch: Math.sqrt(added),
      sum: Math.sqrt(sum),
      skipGain,
      branchGain,
    };
  });
}

type Line = readonly LinePoint[];
const lineOf = (measures: readonly EdgeMeasure[], which: keyof EdgeLines): Line =>
  edgeLines(measures).map((lines) => lines[which]);
/** A forward line, without its first point; a backward line, without its last. */
const forward = (measures: readonly EdgeMeasure[]): Line => {
  const [first, ...others] = lineOf(measures, "uncorrelated");
  expect(first).toBe("begins");
  return others;
};
const backward = (measures: readonly EdgeMeasure[], which: "carried" | "alike"): Line => {
  const line = lineOf(measures, which);
  expect(line.at(-1)).toBe("begins");
  return line.slice(0, -1);
};

/** Equal in all but the rounding of float64. */
function expectClose(found: Line, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, index) => expect(Number(value) / expected[index]!).toBeCloseTo(1, 10));
}

const upTo = <T>(count: number, f: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => f(index));

describe("published results follow from the form of the edges", () => {
  const count = 24;

  test("pre-norm: the variance grows by the same amount with each edge, gradients fall as it grows (Xiong et al. 2020)", () => {
    const measures = measuresOf(count, { form: free, branch: 0.5 });
    expectClose(
      forward(measures),
      upTo(count - 1, (k) => Math.sqrt(1 + (k + 2) / 2)),
    );
    expectClose(
      backward(measures, "carried"),
      upTo(count - 1, () => 1),
    );
    expectClose(
      backward(measures, "alike"),
      upTo(count - 1, (k) => Math.sqrt((1 + count / 2) / (1 + (k + 1) / 2))),
    );
  });

  test("post-norm: what is carried passes (2/3)^((L - l) / 2) of the gradient with a ReLU branch (Xiong et al. 2020)", () => {
    const measures = measuresOf(count, { form: postNorm, branch: 1 / 2 });
    expect(lineOf(measures, "uncorrelated")).toEqual(upTo(count, () => "norm"));
    expectClose(
      backward(measures, "carried"),
      upTo(count - 1, (k) => (2 / 3) ** ((count - 1 - k) / 2)),
    );
    expectClose(
      backward(measures, "alike"),
      upTo(count - 1, () => 1),
    );
  });

  test("post-norm: with a branch as large as what is carried, 1/sqrt(2) of the gradient an edge", () => {
    expectClose(
      backward(measuresOf(count, { form: postNorm, branch: 1 }), "carried"),
      upTo(count - 1, (k) => Math.SQRT1_2 ** (count - 1 - k)),
    );
  });

  test("a norm that gives something other than ones scales what passes it", () => {
    // p = q = 4, z = 4 + 3: a² p / z = 4/7.
    expectClose(
      backward(measuresOf(3, { form: postNorm, branch: 3, source: 4, normed: 2 }), "carried"),
      upTo(2, (k) => (4 / 7) ** ((2 - k) / 2)),
    );
  });

  test("no norm: the variance is multiplied by 1 + B/q with each edge, and so are gradients (Zhang et al. 2019)", () => {
    const measures = measuresOf(count, { form: proportional, branch: 2, source: 4 });
    expectClose(
      forward(measures),
      upTo(count - 1, (k) => 2 * 1.5 ** ((k + 2) / 2)),
    );
    expectClose(
      backward(measures, "alike"),
      upTo(count - 1, (k) => 1.5 ** ((count - 1 - k) / 2)),
    );
  });

  test("ReZero: the identity both ways, for what an edge adds is 0 (Bachlechner et al. 2020)", () => {
    const measures = measuresOf(count, {
      form: { ...free, branch: "other", branchSize: "other" },
      branch: 5,
      branchGain: 0,
      source: 9,
    });
    expectClose(
      forward(measures),
      upTo(count - 1, () => 3),
    );
    for (const which of ["carried", "alike"] as const)
      expectClose(
        backward(measures, which),
        upTo(count - 1, () => 1),
      );
  });

  test.each([4, 16, 64, 256])(
    "DeepNorm of %i layers: gradients keep their size whatever the depth (Wang et al. 2022)",
    (layers) => {
      const edges = 2 * layers;
      const lowest = (branch: number): LinePoint =>
        backward(
          measuresOf(edges, { form: postNorm, branch, skipGain: (2 * layers) ** 0.25 }),
          "carried",
        )[0]!;
      // 1 + t <= e^t, with t = B / √(2 L) an edge.
      expect(lowest(1)).toBeGreaterThan(Math.exp(-Math.sqrt(layers / 2)));
      expect(lowest(1)).toBeGreaterThan(Math.SQRT1_2 ** (edges - 1));
      expect(lowest(1 / (8 * layers))).toBeGreaterThan(Math.exp(-1 / (8 * Math.sqrt(2 * layers))));
    },
  );

  test("nothing carried: activations and gradients are products of what the branches pass", () => {
    const measures = measuresOf(count, { form: proportional, branch: 0.25, skipGain: 0 });
    expectClose(
      forward(measures),
      upTo(count - 1, (k) => 0.5 ** (k + 2)),
    );
    expect(backward(measures, "carried")).toEqual(upTo(count - 1, () => 0));
    expectClose(
      backward(measures, "alike"),
      upTo(count - 1, (k) => 0.5 ** (count - 1 - k)),
    );
  });
});

describe("a line says nothing that was not derived", () => {
  /** Four edges, of which one is of another form. */
  const withOne = (at: number, form: Partial<EdgeForm>): readonly EdgeMeasure[] =>
    measuresOf(4, { form: free, branch: 1 }).map((measure, index) =>
      index === at
        ? { ...measure, gradient: 7, form: { ...measure.form, ...form } }
        : { ...measure, gradient: 2 + index },
    );

  test("where an edge does not carry on the stream before it, lines begin anew and have no point", () => {
    const measures = withOne(2, { follows: false });
    const lines = edgeLines(measures);
    expect(lines.map(({ uncorrelated }) => uncorrelated)).toEqual([
      "begins",
      Math.sqrt(3),
      "begins",
      expect.closeTo(Math.sqrt(5), 12),
    ]);
    // The gradients at the second edge, and at the last.
    expect(lines.map(({ carried }) => carried)).toEqual([3, "begins", 5, "begins"]);
  });

  test("a branch that is neither scale-free nor proportional ends the lines that it enters", () => {
    const lines = edgeLines(withOne(2, { branch: "other", branchSize: "other" }));
    expect(lines.map(({ uncorrelated }) => uncorrelated)).toEqual([
      "begins",
      Math.sqrt(3),
      "branch",
      "branch",
    ]);
    expect(lines.map(({ alike }) => alike)).toEqual(["branch", "branch", expect.any(Number), "begins"]);
    expect(lines.map(({ carried }) => carried)).toEqual([5, 5, 5, "begins"]);
  });

  test("a norm at the branch's end sets its size, and not what it passes back", () => {
    const lines = edgeLines(withOne(2, { branch: "other" }));
    expect(lines.map(({ uncorrelated }) => typeof uncorrelated)).toEqual([
      "string",
      "number",
      "number",
      "number",
    ]);
    expect(lines[0]!.alike).toBe("branch");
  });

  test("what stands after the add and is no norm ends the gradient's lines, and its size begins anew", () => {
    const lines = edgeLines(withOne(2, { post: "other" }));
    expect(lines.map(({ uncorrelated }) => uncorrelated)).toEqual([
      "begins",
      Math.sqrt(3),
      "post",
      expect.closeTo(Math.sqrt(5), 12),
    ]);
    for (const line of ["carried", "alike"] as const)
      expect(lines.map((each) => each[line])).toEqual(["post", "post", expect.any(Number), "begins"]);
  });

  test("a stream that something else reads too has gradients from there", () => {
    const lines = edgeLines(withOne(2, { isReadElsewhere: true }));
    expect(lines.map(({ alike }) => alike)).toEqual(["elsewhere", "elsewhere", expect.any(Number), "begins"]);
    expect(lines.map(({ carried }) => carried)).toEqual([5, 5, 5, "begins"]);
  });

  test("a model without edges has no lines", () => {
    expect(edgeLines([])).toEqual([]);
  });
});

const WIDTH = 48;
const DEPTH = 10;

/** Edges around one product with random weights, which passes on a share B of the mean square that it gets. */
const model = (edge: string, share: number): string => `
model m(dim = ${WIDTH}, depth = ${DEPTH}) {
  input x: f32[B, dim]
  default linear(bias: false, init: normal(std: ${Math.sqrt(share / WIDTH)}))
  repeat depth as h { residual ${edge} { f: linear(dim) } }
  output y: f32[B, dim]
  train { target t: f32[B, dim]; loss (y, t) -> mean_squared_error }
}`;

/** What the float64 interpreter measures of a model on normal rows; all gains here are numbers. */
function measure(text: string): readonly EdgeMeasure[] {
  const source = trainingGraph(text);
  const { graph, edges } = probeEdges(source);
  const random = new RandomStream(5, "rows");
  const rows = (scale: number) =>
    hostTensor(
      "f32",
      [16, WIDTH],
      upTo(16 * WIDTH, () => scale * random.normal()),
    );
  // Targets far larger than any output: the gradient that comes in does not depend on the model.
  const results = interpret(graph, {
    inputs: { x: rows(1), t: rows(1e6) },
    parameters: initialParameters(source, 2),
  });
  const valueOf = (name: string): number => results[name]!.data[0]!;
  return edges.map((probe) => ({
    form: probe.form,
    activation: valueOf(probe.activation),
    gradient: valueOf(probe.gradient),
    source: valueOf(probe.source),
    branch: valueOf(probe.branch),
    sum: valueOf(probe.sum),
    skipGain: probe.skipGain.scale,
    branchGain: probe.branchGain.scale,
  }));
}

describe("measured with random weights, where branches are isotropic", () => {
  // A product of DEPTH random factors of WIDTH columns strays by about √(DEPTH / WIDTH) from its mean: 0.46; half of that
  // is seen, as most of what arrives was carried.
  const stray = 0.25;

  test.each([
    ["pre-norm", "pre n: layernorm", 1],
    ["post-norm", "post n: layernorm", 1],
    ["sandwich", "sandwich n: layernorm", 1],
    ["out-norm", "out n: layernorm", 1],
    ["no norm", "", 0.5],
    ["a gain on what is carried", "skip 0.5", 0.5],
    ["a gain on what is added", "branch 0.25", 1],
    ["DeepNorm", "post n: layernorm, skip 2", 0.25],
    ["nothing carried", "skip 0", 0.5],
  ])("%s: sizes and gradients are those of the lines", (_, edge, share) => {
    const measures = measure(model(edge, share));
    const lines = edgeLines(measures);
    expect(measures.length).toBe(DEPTH);
    const expectNear = (found: number, line: LinePoint): void => {
      if (typeof line === "number") expect(Math.abs(Math.log(found / line))).toBeLessThan(stray);
    };
    measures.forEach(({ activation, gradient }, index) => {
      const { uncorrelated, alike } = lines[index]!;
      expectNear(activation, uncorrelated);
      // Isotropic branches pass on all that they may.
      expectNear(gradient, alike);
    });
    expect(lines.slice(0, -1).every(({ alike }) => typeof alike === "number")).toBe(true);
    const sizes = lines.slice(1).map(({ uncorrelated }) => typeof uncorrelated);
    expect(new Set(sizes)).toEqual(new Set([edge.includes("post") ? "string" : "number"]));
  });

  test("a gain of 0 is the identity to the last bit", () => {
    const measures = measure(model("branch 0", 1));
    expect(new Set(measures.map(({ activation }) => activation)).size).toBe(1);
    expect(new Set(measures.map(({ gradient }) => gradient)).size).toBe(1);
    for (const { uncorrelated, carried, alike } of edgeLines(measures).slice(1, -1)) {
      expect(uncorrelated).toBeCloseTo(measures[0]!.activation, 12);
      expect([carried, alike]).toEqual([measures[0]!.gradient, measures[0]!.gradient]);
    }
  });
});
