import { describe, expect, test } from "vitest";
import { rolesOf } from "../../src/autodiff/train/roles.ts";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import { lowerEdges } from "../../src/passes/lower-edges.ts";
import { torchOptimizer, trainingGraph } from "./classifier.ts";

const model = (body: string): string => `
model roles(heads = 2, k = 4) {
  input x: f32[B, heads, k]
  input tokens: i32[B, T]
${body}
  output y: f32[B, heads, k]
  train { target t: f32[B, heads, k]; loss (y, t) -> mean_squared_error }
}
`;

/** What decays, by the update's own nodes: those parameters whose next value depends on the decay. */
function decayed(text: string, name = "adamw"): string[] {
  const ofRate = (decay: number) => {
    const optimizer = torchOptimizer(name, { weight_decay: decay });
    const { update } = trainingStep(trainingGraph(text), { optimizer });
    const counts = new Map<string, number>();
    for (const { origin } of update.nodes)
      if (origin.phase === "update") counts.set(origin.label, (counts.get(origin.label) ?? 0) + 1);
    return counts;
  };
  const [without, having] = [ofRate(0), ofRate(0.1)];
  return [...having].filter(([label, count]) => count > without.get(label)!).map(([label]) => label);
}

const cases: readonly (readonly [what: string, body: string, decayed: readonly string[]])[] = [
  ["scale, affine and bias of any shape", "  g: scale([heads, k]); h: affine([heads, k]); b: bias", []],
  [
    "a parameter that multiplies or is added",
    "  stream * (g: parameter([heads, k])) + (b: parameter([heads, k]))",
    [],
  ],
  ["a gain in another shape", "  stream * (g: parameter([heads * k]) -> exp -> reshape([heads, k]))", []],
  [
    "the gains and skips of edges",
    "  residual skip s: scale([heads, k]), branch b: parameter([heads, k]) { f: linear(k) }",
    ["f.weight"],
  ],
  ["norms", "  n: layernorm; r: rmsnorm(bias: true); bn: batchnorm", []],
  ["a product with one row", "  stream * (head: linear(1))", ["head.weight"]],
  [
    "a matrix that is cut, masked and turned",
    "  (x, w: parameter([k, 2 * k]) -> slice(0, end: k, axis: 1) -> transpose) -> matmul",
    ["w"],
  ],
  [
    "a normed weight: its gain does not decay",
    "  v = v: parameter([k, k]); n = v -> square -> sum(axis: 1, keep: true) -> sqrt; (x, v / n * (g: parameter([k, 1]))) -> matmul",
    ["v"],
  ],
  [
    "tables, of positions too",
    "  e = tokens -> wte: embedding(9, k); e + (wpe: parameter([9, k]) -> slice(0, end: T, axis: 0)) -> mean(axis: 1, keep: true); x + stream",
    ["wte.weight", "wpe"],
  ],
  [
    "low-rank factors",
    "  (x, (a: parameter([k, 1])) ) -> matmul -> up: linear(k, bias: false)",
    ["a", "up.weight"],
  ],
  [
    "tied tables that are gains too",
    "  w = w: parameter([k, k]); (x, w) -> matmul; stream * (w -> slice(0, end: heads, axis: 0))",
    ["w"],
  ],
];

describe("decay", () => {
  test.each(cases)("of %s", (_, body, expected) => {
    for (const optimizer of ["adamw", "adam", "sgd", "lion"])
      expect(decayed(model(body), optimizer).sort(), optimizer).toEqual([...expected].sort());
  });

  test("of what is neither goes by its shape: queries that a layer reads", () => {
    const read = (rows: number): string =>
      model(`  q = queries: parameter([${rows}, k]) -> f: linear(k) -> mean(axis: 0)\n  stream + q`);
    expect(decayed(read(3)).sort()).toEqual(["f.weight", "queries"]);
    expect(decayed(read(1))).toEqual(["f.weight"]);
  });
});

test("muon takes matrices that multiply, and no gain of their shape", () => {
  const text = model(
    "  g: scale([heads, k]) -> up: linear(8) -> down: linear(k); stream + (b: parameter([heads, k]))",
  );
  const graph = lowerEdges.run(trainingGraph(text));
  const roles = rolesOf(graph, graph.parameters);
  expect(graph.parameters.map(({ name, value }) => [name, roles.get(value)])).toEqual([
    ["g", "gain or bias"],
    ["up.weight", "factor"],
    ["up.bias", "gain or bias"],
    ["down.weight", "factor"],
    ["down.bias", "gain or bias"],
    ["b", "gain or bias"],
  ]);
  const { update } = trainingStep(trainingGraph(text), { optimizer: torchOptimizer("muon", {}) });
  expect(update.states.flatMap(({ name }) => /^optimizer\.momentum\.(.*)$/.exec(name)?.[1] ?? [])).toEqual([
    "up.weight",
    "down.weight",
  ]);
});
