import { describe, expect, test } from "vitest";
import { differentiate } from "../../src/autodiff/differentiate.ts";
import type { Graph, Node, Value } from "../../src/ir/graph.ts";
import { makeNode, makeValue } from "../../src/ir/node.ts";
import { readGraph } from "../../src/ir/read.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { trainingGraph } from "./classifier.ts";
import { processorTime } from "../support/processor-time.ts";

function graphOf(body: string): Graph {
  const { graph, diagnostics } = readGraph({ name: "test.ir", text: `graph test {\n${body}\n}` });
  if (graph === undefined) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return graph;
}

const lossOf = (graph: Graph): Value => graph.outputs.find(({ name }) => name === "loss")!.value;
const inputOf = (graph: Graph, name: string): Value => graph.inputs.find((each) => each.name === name)!.value;
const backwardOps = (graph: Graph, whole: Graph): string[] =>
  whole.nodes.slice(graph.nodes.length).map(({ op }) => op);

describe("differentiation", () => {
  test("puts the slices of one value together in one concat, without zeros where they meet", () => {
    const graph = graphOf(`
      input %x: f32[2, 6]
      %a: f32[2, 2] = slice(%x, axis: 1, start: 4, size: 2)
      %b: f32[2, 2] = slice(%x, axis: 1, start: 0, size: 2)
      %c: f32[2, 2] = slice(%x, axis: 1, start: 2, size: 2)
      %ab: f32[2, 2] = mul(%a, %b)
      %abc: f32[2, 2] = mul(%ab, %c)
      %loss: f32[] = reduce_sum(%abc, axes: [0, 1])
      output loss = %loss`);
    const { graph: whole } = differentiate(graph, [lossOf(graph)], [inputOf(graph, "x")]);
    expect(backwardOps(graph, whole).filter((op) => op === "concat" || op === "add")).toEqual(["concat"]);
    const concat = whole.nodes.find((node) => node.op === "concat");
    expect(concat?.operands.values.length).toBe(3);
  });

  test("gives zeros for what the loss does not depend on, and goes no way that leads nowhere", () => {
    const graph = graphOf(`
      input %x: f32[3]
      input %y: f32[2]
      input %z: f32[3]
      %p: f32[3] = mul(%x, %z)
      %loss: f32[] = reduce_sum(%p, axes: [0])
      output loss = %loss`);
    const [x, y] = [inputOf(graph, "x"), inputOf(graph, "y")];
    const { graph: whole, gradients, cotangents } = differentiate(graph, [lossOf(graph)], [x, y]);
    expect(backwardOps(graph, whole).filter((op) => op === "mul").length).toBe(1);
    expect(cotangents.has(inputOf(graph, "z"))).toBe(false);
    const zeros = whole.nodes.find((node) => node.results.includes(gradients.get(y)!));
    expect(zeros).toMatchObject({ op: "full", attrs: { value: 0 } });
    expect(cotangents.has(y)).toBe(false);
  });

  test("keeps the edge of each node, and knows the gradient of the stream after each edge", () => {
    const graph = trainingGraph(`
      model m {
        input x: f32[B, 4]
        repeat 3 as h[i] { residual pre ln: layernorm { fc: linear(4) -> gelu } }
        output y: f32[B, 4]
        train { target t: f32[B, 4]; loss (y, t) -> mean_squared_error }
      }`);
    const wrt = graph.parameters.map(({ value }) => value);
    const { graph: whole, cotangents } = differentiate(graph, [lossOf(graph)], wrt);
    const joins = graph.nodes.filter((node) => node.op === "residual");
    expect(joins.length).toBe(3);
    for (const { results } of joins) expect(cotangents.get(results[0]!)?.type).toEqual(results[0]!.type);
    const norms = whole.nodes.filter(({ op }) => op === "norm_grad");
    expect(norms.map(({ origin }) => origin.edges)).toEqual([2, 1, 0].map((edge) => [{ edge, role: "pre" }]));
    expect(norms.map(({ origin }) => origin.label)).toEqual(["h.2.ln", "h.1.ln", "h.0.ln"]);
  });

  test("says where an op has no gradient as it is used", () => {
    const graph = graphOf(`
      dim T
      input %x: f32[T]
      %v: f32[2], %i: i32[2] = topk(%x, k: 2)
      %loss: f32[] = reduce_sum(%v, axes: [0])
      output loss = %loss`);
    const { diagnostics } = differentiate(graph, [lossOf(graph)], [inputOf(graph, "x")]);
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
      "E580 topk has a gradient along known sizes only, here it is f32[T]",
    ]);
  });

  test("takes time and nodes in proportion to a graph of 10,000 nodes", () => {
    const nodesFor = (count: number): number => {
      const x = makeValue(tensorType("f32", 2), "x");
      const nodes: Node[] = [];
      let last = x;
      for (let i = 0; i < count; i++) {
        const node = makeNode("mul", { x: last, y: i % 2 === 0 ? x : last }, {});
        nodes.push(node);
        last = node.results[0]!;
      }
      const sum = makeNode("reduce_sum", { x: last }, { axes: [0] });
      nodes.push(sum);
      const graph: Graph = {
        name: "chain",
        symbols: [],
        inputs: [{ name: "x", value: x, fill: undefined, span: undefined }],
        parameters: [],
        nodes,
        outputs: [{ name: "loss", value: sum.results[0]!, span: undefined }],
        states: [],
        edges: [],
      };
      const { graph: whole } = differentiate(graph, [sum.results[0]!], [x]);
      expect(verifyGraph(whole)).toEqual([]);
      return whole.nodes.length;
    };
    const counts: number[] = [];
    // Both together take 0.2 s; quadratic growth would take minutes.
    expect(processorTime(() => counts.push(nodesFor(5_000), nodesFor(10_000)))).toBeLessThan(20_000);
    const [some, many] = counts;
    expect(many! / some!).toBeLessThan(2.01);
  });
});
