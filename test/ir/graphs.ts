import type { Graph, Node, Value } from "../../src/ir/graph.ts";
import { makeNode, makeValue, onlyResult } from "../../src/ir/node.ts";
import { readGraph } from "../../src/ir/read.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";

/** The graph that a text says; a mistake in it fails with its messages. */
export function graphOf(text: string): Graph {
  const { graph, diagnostics } = readGraph({ name: "test.ir", text });
  if (graph === undefined) throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  return graph;
}

/** The messages for a text, as people read them. */
export const messagesOf = (text: string): string =>
  readGraph({ name: "test.ir", text })
    .diagnostics.map((each) => showDiagnostic(each))
    .join("\n");

/** Two layers of a small pre-norm model in the repeat `h`, fused, with a tied table. */
export const twoLayers = `graph two_layers {
  dim B
  dim T <= 16
  input %tokens: i32[B, T]
  input %mask: bool[B, T] = 1
  parameter %wte.weight: f32[10, 4] = normal(0, 0.02) "wte.weight"
  parameter %h.0.ln.weight: f32[4] = constant(1) "h.0.ln.weight"
  parameter %h.0.fc.weight: f32[4, 4] = xavier(4, 4, 1) by uniform "h.0.fc.weight"
  parameter %h.1.ln.weight: f32[4] = constant(1) "h.1.ln.weight"
  parameter %h.1.fc.weight: f32[4, 4] = xavier(4, 4, 1) by uniform "h.1.fc.weight"
  parameter %count: f32[] = constant(0) "count" fixed
  edge 0 "h.0 edge 0" from "stream" { pre rmsnorm "h.0.ln"; branch "h.0.fc"; skip number "2" } scope h[0]
  edge 1 "h.1 edge 0" from "stream" { pre rmsnorm "h.1.ln"; branch "h.1.fc"; gain tensor "alpha" } scope h[1]
  %x: f32[B, T, 4] = embedding(table: %wte.weight, ids: %tokens) label "wte"
  %0: f32[B, T, 4] = rms_norm(x: %x, weight: %h.0.ln.weight, eps: 1e-6) label "h.0.ln" scope h[0] edges 0.pre
  %1: f32[B, T, 4] = linear(x: %0, weight: %h.0.fc.weight) label "h.0.fc" scope h[0]
  %2: f32[B, T, 4], %3: f32[B, T, 4] = add_norm(source: %x, branches: [%1], weights: [%h.1.ln.weight], source_scale: 2, norm: rms, eps: 1e-6, affines: [weight]) label "h.1.ln" scope h[1] edges 0.join 1.pre fused add rms_norm
  %4: f32[B, T, 4] = linear(x: %2, weight: %h.1.fc.weight) label "h.1.fc" scope h[1]
  %5: f32[B, T, 4] = residual(source: %3, branches: [%4], edge: 1) scope h[1] edges 1.join
  %logits: f32[B, T, 10] = linear(x: %5, weight: %wte.weight) label "head"
  output logits = %logits
}
`;

/** x + 1 + 1 + …, `length` times: as deep as a graph can be. */
export function chainOf(length: number): Graph {
  const [x, one] = [makeValue(tensorType("f32", 1), "x"), makeValue(tensorType("f32", 1), "one")];
  const nodes: Node[] = [];
  let last: Value = x;
  for (let i = 0; i < length; i++) {
    const node = makeNode("add", { x: last, y: one }, {});
    nodes.push(node);
    last = onlyResult(node);
  }
  return {
    name: "chain",
    symbols: [],
    inputs: [
      { name: "x", value: x, fill: undefined, span: undefined },
      { name: "one", value: one, fill: 1, span: undefined },
    ],
    parameters: [],
    nodes,
    outputs: [{ name: "sum", value: last, span: undefined }],
    states: [],
    edges: [],
  };
}
