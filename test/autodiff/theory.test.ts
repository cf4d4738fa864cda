import { describe, expect, test } from "vitest";
import { probeEdges } from "../../src/autodiff/probe.ts";
import { predictEdges, type EdgeMeasure, type EdgePrediction } from "../../src/autodiff/theory.ts";
import type { Edge, Position } from "../../src/ir/graph.ts";
import { initialParameters } from "../../src/ir/initialize.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { trainingGraph } from "./classifier.ts";

/** An edge of a repeat of which only the form matters. */
const edgeOf = (index: number, norms: readonly Position[]): Edge => ({
  name: `h.${index} edge 0`,
  span: undefined,
  scope: [{ label: "h", index }],
  source: "stream",
  branches: ["f"],
  norms: norms.map((position) => ({ position, kind: "layernorm", label: "n" })),
  skip: undefined,
  branch: undefined,
});

interface FormOptions {
  readonly norms?: readonly Position[];
  /** B at the first edge. */
  readonly branch: number;
  readonly skipGain?: number;
  readonly branchGain?: number;
  /** Mean square of the first stream. */
  readonly source?: number;
}

/** What a probe would hand over: `count` equal edges. Only what theory may read is true, the rest is absurd. */
function measuresOf(count: number, options: FormOptions): readonly EdgeMeasure[] {
  const { norms = [], branch, skipGain = 1, branchGain = 1, source = 1 } = options;
  return Array.from({ length: count }, (_, index) => ({
    edge: edgeOf(index, norms),
    follows: index > 0,
    activation: index === 0 ? 1 : 1e9,
    gradient: index === count - 1 ? 1 : 1e9,
    source: index === 0 ? Math.sqrt(source) : 1e9,
    branch: index === 0 ? Math.sqrt(branch) : 1e9,
    skipGain,
    branchGain,
  }));
}

const activations = (predictions: readonly EdgePrediction[]): readonly number[] =>
  predictions.map(({ activation }) => activation);
const bound = (predictions: readonly EdgePrediction[], which: 0 | 1): readonly number[] =>
  predictions.map(({ gradient }) => gradient[which]);

/** Equal in all but the rounding of float64. */
function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, index) => expect(value / expected[index]!).toBeCloseTo(1, 10));
}

const upTo = (count: number, f: (index: number) => number): number[] =>
  Array.from({ length: count }, (_, index) => f(index));

describe("published results follow from the form of the edges", () => {
  const count = 24;

  test("pre-norm: the variance grows by the same amount with each edge, gradients fall as it grows (Xiong et al. 2020)", () => {
    const predictions = predictEdges(measuresOf(count, { norms: ["pre"], branch: 0.5 }));
    expectClose(
      activations(predictions),
      upTo(count, (k) => Math.sqrt(1 + (k + 1) / 2)),
    );
    expectClose(
      bound(predictions, 0),
      upTo(count, () => 1),
    );
    expectClose(
      bound(predictions, 1),
      upTo(count, (k) => Math.sqrt((1 + count / 2) / (1 + (k + 1) / 2))),
    );
  });

  test("post-norm: what is carried passes (2/3)^((L - l) / 2) of the gradient with a ReLU branch (Xiong et al. 2020)", () => {
    const predictions = predictEdges(measuresOf(count, { norms: ["post"], branch: 1 / 2 }));
    expectClose(
      activations(predictions),
      upTo(count, () => 1),
    );
    expectClose(
      bound(predictions, 0),
      upTo(count, (k) => (2 / 3) ** ((count - 1 - k) / 2)),
    );
    expectClose(
      bound(predictions, 1),
      upTo(count, () => 1),
    );
  });

  test("post-norm: with a branch as large as what is carried, 1/sqrt(2) of the gradient an edge", () => {
    const low = bound(predictEdges(measuresOf(count, { norms: ["post"], branch: 1 })), 0);
    expectClose(
      low,
      upTo(count, (k) => Math.SQRT1_2 ** (count - 1 - k)),
    );
  });

  test("a norm that gives something other than ones scales what passes it", () => {
    const measures = measuresOf(3, { norms: ["post"], branch: 3, source: 4 }).map((measure) => ({
      ...measure,
      activation: 2,
    }));
    // p = q = 4, z = 4 + 3: a² p / z = 4/7.
    expectClose(
      bound(predictEdges(measures), 0),
      upTo(3, (k) => (4 / 7) ** ((2 - k) / 2)),
    );
  });

  test("no norm: the variance is multiplied by 1 + B/q with each edge, and so are gradients (Zhang et al. 2019)", () => {
    const predictions = predictEdges(measuresOf(count, { branch: 2, source: 4 }));
    expectClose(
      activations(predictions),
      upTo(count, (k) => 2 * 1.5 ** ((k + 1) / 2)),
    );
    expectClose(
      bound(predictions, 1),
      upTo(count, (k) => 1.5 ** ((count - 1 - k) / 2)),
    );
  });

  test("ReZero: the identity both ways, for what an edge adds is 0 (Bachlechner et al. 2020)", () => {
    const predictions = predictEdges(measuresOf(count, { branch: 5, branchGain: 0, source: 9 }));
    expectClose(
      activations(predictions),
      upTo(count, () => 3),
    );
    for (const which of [0, 1] as const)
      expectClose(
        bound(predictions, which),
        upTo(count, () => 1),
      );
  });

  test.each([4, 16, 64, 256])(
    "DeepNorm of %i layers: gradients keep their size whatever the depth (Wang et al. 2022)",
    (layers) => {
      const edges = 2 * layers;
      const lowest = (branch: number): number => {
        const measures = measuresOf(edges, { norms: ["post"], branch, skipGain: (2 * layers) ** 0.25 });
        return bound(predictEdges(measures), 0)[0]!;
      };
      // 1 + t <= e^t, with t = B / √(2 L) an edge.
      expect(lowest(1)).toBeGreaterThan(Math.exp(-Math.sqrt(layers / 2)));
      expect(lowest(1)).toBeGreaterThan(Math.SQRT1_2 ** (edges - 1));
      expect(lowest(1 / (8 * layers))).toBeGreaterThan(Math.exp(-1 / (8 * Math.sqrt(2 * layers))));
    },
  );

  test("nothing carried: activations and gradients are products of what the branches pass", () => {
    const predictions = predictEdges(measuresOf(count, { branch: 0.25, skipGain: 0 }));
    expectClose(
      activations(predictions),
      upTo(count, (k) => 0.5 ** (k + 1)),
    );
    for (const which of [0, 1] as const)
      expectClose(
        bound(predictions, which),
        upTo(count, (k) => 0.5 ** (count - 1 - k)),
      );
  });

  test("where an edge does not carry on the stream before it, sizes begin anew", () => {
    const measures = measuresOf(4, { norms: ["pre"], branch: 1 }).map((measure, index) =>
      index === 2 ? { ...measure, follows: false, source: 5 } : { ...measure, gradient: index + 1 },
    );
    const predictions = predictEdges(measures);
    expectClose(activations(predictions), [Math.sqrt(2), Math.sqrt(3), Math.sqrt(26), Math.sqrt(27)]);
    expectClose(bound(predictions, 0), [2, 2, 4, 4]);
  });

  test("a model without edges has no predictions", () => {
    expect(predictEdges([])).toEqual([]);
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
    edge: graph.edges[probe.edge]!,
    follows: probe.follows,
    activation: valueOf(probe.activation),
    gradient: valueOf(probe.gradient),
    source: valueOf(probe.source),
    branch: valueOf(probe.branch),
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
  ])("%s: sizes and gradients are those that the form predicts", (_, edge, share) => {
    const measures = measure(model(edge, share));
    const predictions = predictEdges(measures);
    expect(measures.length).toBe(DEPTH);
    measures.forEach(({ activation, gradient }, index) => {
      const { activation: size, gradient: bounds } = predictions[index]!;
      expect(Math.abs(Math.log(activation / size))).toBeLessThan(stray);
      // Isotropic branches pass on all that the upper form says.
      expect(Math.abs(Math.log(gradient / bounds[1]))).toBeLessThan(stray);
      expect(bounds[0]).toBeLessThanOrEqual(bounds[1] * (1 + 1e-9));
    });
  });

  test("a gain of 0 is the identity to the last bit", () => {
    const measures = measure(model("branch 0", 1));
    expect(new Set(measures.map(({ activation }) => activation)).size).toBe(1);
    expect(new Set(measures.map(({ gradient }) => gradient)).size).toBe(1);
    for (const { activation, gradient } of predictEdges(measures)) {
      expect(activation).toBeCloseTo(measures[0]!.activation, 12);
      expect(gradient[0]).toBe(measures[0]!.gradient);
    }
  });
});
