import { describe, expect, test } from "vitest";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { makeValue } from "../../src/ir/node.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { symbolDim } from "../../src/tensor/dim.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { graphOf, twoLayers } from "./graphs.ts";

const whole = graphOf(twoLayers);

/** The graph with its node at an index changed. */
const withNode = (index: number, change: (node: Node) => object): Graph => ({
  ...whole,
  nodes: whole.nodes.map((node, at) => (at === index ? { ...node, ...change(node) } : node)),
});

const attrsOf = (node: Node, changes: object) => ({ attrs: { ...node.attrs, ...changes } });
const operandsOf = (node: Node, changes: object) => ({ operands: { ...node.operands, ...changes } });

test("a whole graph has no problem", () => {
  expect(verifyGraph(whole)).toEqual([]);
});

describe("each rule is reported when it is broken", () => {
  test.each<[string, Graph, string[]]>([
    [
      "two inputs of one name",
      { ...whole, inputs: [...whole.inputs, { ...whole.inputs[0]!, value: makeValue(tensorType("f32")) }] },
      ["two inputs are called tokens"],
    ],
    [
      "two parameters of one name",
      {
        ...whole,
        parameters: [...whole.parameters, { ...whole.parameters[0]!, value: makeValue(tensorType("f32")) }],
      },
      ["two parameters are called wte.weight"],
    ],
    [
      "two outputs of one name",
      { ...whole, outputs: [...whole.outputs, ...whole.outputs] },
      ["two outputs are called logits"],
    ],
    [
      "a dim declared twice",
      { ...whole, symbols: [...whole.symbols, { name: "T" }] },
      ["the dim T is declared twice"],
    ],
    [
      "a dim that is not declared",
      { ...whole, symbols: whole.symbols.slice(0, 1) },
      ["the dim T is not declared"],
    ],
    [
      "a dim that is not declared in an attribute",
      withNode(1, (node) => attrsOf(node, { start: symbolDim("S") })),
      ["the dim S is not declared", "%0 = rms_norm: there is no attribute `start`"],
    ],
    [
      "a dim that no input binds",
      { ...whole, symbols: [...whole.symbols, { name: "S" }] },
      ["no input says what S is"],
    ],
    [
      "a parameter of a run-time size",
      {
        ...whole,
        symbols: [...whole.symbols],
        parameters: [
          ...whole.parameters,
          { ...whole.parameters[5]!, name: "p", value: makeValue(tensorType("f32", symbolDim("T"))) },
        ],
      },
      ["the parameter p has a size that is not known at compile time"],
    ],
    ["a value made twice", { ...whole, nodes: [...whole.nodes, whole.nodes[0]!] }, ["%x is made twice"]],
    [
      "a value read before it is made",
      { ...whole, nodes: [whole.nodes[1]!, whole.nodes[0]!, ...whole.nodes.slice(2)] },
      ["%0 = rms_norm: it reads %x before it is made"],
    ],
    [
      "a value that nothing makes",
      withNode(1, (node) => operandsOf(node, { x: makeValue(whole.nodes[0]!.results[0]!.type) })),
      ["%0 = rms_norm: it reads a value that nothing makes"],
    ],
    [
      "an output that nothing makes",
      { ...whole, outputs: [{ name: "y", value: makeValue(tensorType("f32")), span: undefined }] },
      ["the output y is a value that nothing makes"],
    ],
    [
      "a missing operand",
      withNode(1, (node) => operandsOf(node, { x: undefined })),
      ["%0 = rms_norm: `x` is missing"],
    ],
    [
      "a list in the place of a value",
      withNode(1, (node) => operandsOf(node, { x: [] })),
      ["%0 = rms_norm: `x` must be one value"],
    ],
    [
      "a value in the place of a list",
      withNode(3, (node) => operandsOf(node, { biases: whole.inputs[0]!.value })),
      ["%2, %3 = add_norm: `biases` must be a list"],
    ],
    [
      "an operand that does not exist",
      withNode(1, (node) => operandsOf(node, { z: undefined })),
      ["%0 = rms_norm: there is no operand `z`"],
    ],
    [
      "a missing attribute",
      withNode(1, (node) => attrsOf(node, { eps: undefined })),
      ["%0 = rms_norm: `eps` must be of kind float, but it is missing"],
    ],
    [
      "an attribute of another kind",
      withNode(1, (node) => attrsOf(node, { cast: "sideways" })),
      ["%0 = rms_norm: `cast` must be of kind word"],
    ],
    [
      "an attribute that does not exist",
      withNode(1, (node) => attrsOf(node, { axis: 1 })),
      ["%0 = rms_norm: there is no attribute `axis`"],
    ],
    [
      "a result of another type than the op gives",
      withNode(6, () => ({ results: [{ type: tensorType("f32", 3), hint: "logits" }] })),
      [
        "the output logits is a value that nothing makes",
        "%logits = linear: %logits is f32[3], but the op gives f32[B, T, 10]",
      ],
    ],
    [
      "too few results",
      withNode(3, (node) => ({ results: node.results.slice(0, 1) })),
      ["%4 = residual: it reads a value that nothing makes", "%2 = add_norm: it gives 2 results, not 1"],
    ],
    [
      "operands that do not fit",
      withNode(1, (node) => operandsOf(node, { weight: whole.parameters[0]!.value })),
      ["%0 = rms_norm: `weight`: expected [4], the width of x, got f32[10, 4]"],
    ],
    [
      "an edge that does not exist",
      { ...whole, edges: whole.edges.slice(0, 1) },
      [
        "%2, %3 = add_norm: there is no edge 1",
        "%5 = residual: there is no edge 1",
        "%5 = residual: there is no edge 1",
      ],
    ],
  ])("%s", (_, graph, problems) => {
    expect(verifyGraph(graph)).toEqual(problems);
  });

  test("an op of a stage that may not stand there", () => {
    expect(verifyGraph(whole, { stages: ["core", "kernel"] })).toEqual([
      "%5 = residual: an op of stage edge may not stand here",
    ]);
    expect(verifyGraph(whole, { stages: ["core", "edge"] })).toEqual([
      "%2, %3 = add_norm: an op of stage kernel may not stand here",
    ]);
    expect(verifyGraph(whole, { stages: ["core", "edge", "kernel"] })).toEqual([]);
  });
});
