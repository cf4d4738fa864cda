import { describe, expect, test } from "vitest";
import type { Value } from "../../src/ir/graph.ts";
import { initialParameters, randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { printGraph } from "../../src/ir/print.ts";
import { lastReads, producersOf, replaceValues, sortNodes, usersOf } from "../../src/ir/walk.ts";
import { chainOf, graphOf, twoLayers } from "./graphs.ts";

const graph = graphOf(twoLayers);
const resultsNamed = (index: number): readonly Value[] => graph.nodes[index]!.results;

describe("walks", () => {
  test("producers name the node and which of its results a value is", () => {
    const producers = producersOf(graph);
    const [out, sum] = resultsNamed(3) as [Value, Value];
    expect(producers.get(out)).toEqual({ node: graph.nodes[3], result: 0 });
    expect(producers.get(sum)).toEqual({ node: graph.nodes[3], result: 1 });
    expect(producers.get(graph.inputs[0]!.value)).toBeUndefined();
  });

  test("users stand in order, parameters have them too", () => {
    const users = usersOf(graph);
    expect(users.get(graph.parameters[0]!.value)!.map(({ op }) => op)).toEqual(["embedding", "linear"]);
    expect(users.get(resultsNamed(0)[0]!)!.map(({ op }) => op)).toEqual(["rms_norm", "add_norm"]);
    expect(users.get(graph.inputs[1]!.value)).toBeUndefined();
  });

  test("last reads leave outputs out", () => {
    const last = lastReads(graph);
    expect(last.get(resultsNamed(0)[0]!)).toBe(3);
    expect(last.has(resultsNamed(6)[0]!)).toBe(false);
  });

  test("replaced values are followed to the end, in nodes and outputs", () => {
    const [x, normed, fc] = [0, 1, 2].map((index) => resultsNamed(index)[0]!) as [Value, Value, Value];
    const logits = resultsNamed(6)[0]!;
    const changed = replaceValues(
      graph,
      new Map([
        [fc, normed],
        [normed, x],
        [logits, fc],
      ]),
    );
    expect(printGraph(changed)).toContain("%1: f32[B, T, 4] = linear(x: %x, weight: %h.0.fc.weight)");
    expect(printGraph(changed)).toContain("branches: [%x]");
    expect(changed.outputs[0]!.value).toBe(x);
    expect(changed.nodes[0]).toBe(graph.nodes[0]);
  });

  test("nodes are put where they can run, and stay where they can", () => {
    const backwards = graph.nodes.toReversed();
    expect(sortNodes(backwards)).toEqual(graph.nodes);
    expect(sortNodes(graph.nodes)).toEqual(graph.nodes);
  });

  test("sorting does not recurse: 20,000 nodes in the wrong order", () => {
    const { nodes } = chainOf(20_000);
    const sorted = sortNodes(nodes.toReversed());
    // Node by node: comparing whole lists would walk each node's chain of values.
    expect(sorted.length).toBe(nodes.length);
    expect(sorted.every((node, index) => node === nodes[index])).toBe(true);
  });
});

describe("random parameters and inputs", () => {
  const parameters = randomParameters(graph, 1);
  test("depend on the seed and the parameter's name alone", () => {
    const fewer = { ...graph, parameters: graph.parameters.slice(2) };
    expect(randomParameters(fewer, 1)["h.1.fc.weight"]).toEqual(parameters["h.1.fc.weight"]);
    expect(randomParameters(graph, 2)["h.1.fc.weight"]).not.toEqual(parameters["h.1.fc.weight"]);
  });

  test("no parameter is trivial: norm weights lie around 1 and are not 1", () => {
    const weight = [...parameters["h.0.ln.weight"]!.data];
    expect(weight).toHaveLength(4);
    for (const each of weight) expect(Math.abs(each - 1) > 0 && Math.abs(each - 1) <= 0.25).toBe(true);
  });

  test("ids lie within the table that they index and reach its ends", () => {
    const { tokens } = randomInputs(graph, { B: 50, T: 16 }, 3);
    expect(tokens!.shape).toEqual([50, 16]);
    expect(Math.min(...tokens!.data)).toBe(0);
    expect(Math.max(...tokens!.data)).toBe(9);
  });

  test("ids are followed through moves to the smallest table, and other whole numbers stay below the limit", () => {
    const { t, u } = randomInputs(
      graphOf(`graph g {
  dim B
  input %t: i32[B, 2]
  input %u: i32[B]
  parameter %small: f32[3, 1] = constant(0) "s"
  %flat = reshape(%t, shape: [2*B])
  %y = embedding(table: %small, ids: %flat)
  output y = %y
  output u = %u
}`),
      { B: 200 },
      1,
      { idLimit: 5 },
    );
    expect(Math.max(...t!.data)).toBe(2);
    expect(Math.max(...u!.data)).toBe(4);
  });
});

test("initial parameters follow their initializers: mean and variance of the formulas", () => {
  const big = graphOf(`graph g {
  parameter %a: f32[100, 100] = normal(1, 0.5) "normal"
  parameter %b: f32[100, 100] = uniform(-1, 3) "uniform"
  parameter %c: f32[100, 100] = xavier(300, 100, 2) by uniform "xavier"
  parameter %d: f32[100, 100] = he(50, 7, 1.4142135623730951) by normal "he"
  parameter %e: f32[2] = values(4, 5) "values"
  parameter %f: f32[2] = constant(0.5) "constant"
}`);
  const drawn = initialParameters(big, 5);
  // Mean and variance: N(1, 1/4); U(-1, 3): (b - a)²/12; Glorot: 2²·2/400; He: (√2)²/50.
  const expected: [string, number, number][] = [
    ["normal", 1, 0.25],
    ["uniform", 1, 16 / 12],
    ["xavier", 0, 0.02],
    ["he", 0, 0.04],
  ];
  for (const [name, mean, variance] of expected) {
    const data = [...drawn[name]!.data];
    const found = data.reduce((a, b) => a + b) / data.length;
    const spread = data.reduce((sum, each) => sum + (each - found) ** 2, 0) / data.length;
    // 10,000 draws: four standard errors of the mean, and 8 % of the variance (four of √(2/n) for a normal one, √(0.8/n) for a uniform one).
    expect(Math.abs(found - mean)).toBeLessThan(4 * Math.sqrt(variance / data.length));
    expect(Math.abs(spread / variance - 1)).toBeLessThan(0.08);
  }
  expect([...drawn["values"]!.data]).toEqual([4, 5]);
  expect([...drawn["constant"]!.data]).toEqual([0.5, 0.5]);
});
