import { describe, expect, test } from "vitest";
import type { OpName } from "../../src/ops/table.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { tensorType } from "../../src/tensor/type.ts";
import type { Graph, Value } from "../../src/ir/graph.ts";
import { makeNode, makeValue, mapOperands, onlyResult, operandValues } from "../../src/ir/node.ts";
import { printGraph, sameGraph } from "../../src/ir/print.ts";
import { opCases } from "../ops/cases/all.ts";
import { graphOf, messagesOf, twoLayers } from "./graphs.ts";

const empty: Graph = {
  name: "g",
  symbols: [],
  inputs: [],
  parameters: [],
  nodes: [],
  outputs: [],
  states: [],
  edges: [],
};

/** A graph of one node, its operands inputs. */
function graphOfOne(op: OpName, operands: Record<string, HostTensor>, attrs: object): Graph {
  const values = mapOperands(operands, ({ dtype, shape }): Value =>
    makeValue(tensorType(dtype, ...shape), "x"),
  );
  const node = makeNode(op, values as never, attrs as never);
  const inputs = operandValues(node as never).map((value, i) => ({
    name: `in${i}`,
    value,
    fill: undefined,
    span: undefined,
  }));
  const outputs = node.results.map((value, i) => ({ name: `out${i}`, value, span: undefined }));
  const edge = {
    name: "e",
    span: undefined,
    scope: [],
    source: "stream",
    branches: [],
    norms: [],
    skip: undefined,
    branch: undefined,
  };
  return { ...empty, inputs, nodes: [node as never], outputs, edges: [edge] };
}

describe("printing and reading back", () => {
  test("a printed graph is the text that was read", () => {
    expect(printGraph(graphOf(twoLayers))).toBe(twoLayers);
  });

  test.each(Object.keys(opCases) as OpName[])(
    "%s comes back with its operands, attributes and types",
    (op) => {
      const cases = opCases[op];
      expect(cases.length).toBeGreaterThan(0);
      for (const { operands, attrs } of cases) {
        const graph = graphOfOne(op, operands as unknown as Record<string, HostTensor>, attrs ?? {});
        const back = graphOf(printGraph(graph));
        expect(printGraph(back)).toBe(printGraph(graph));
        expect(back.nodes[0]!.attrs).toEqual(graph.nodes[0]!.attrs);
        expect(back.nodes[0]!.results.map(({ type }) => type)).toEqual(
          graph.nodes[0]!.results.map(({ type }) => type),
        );
      }
    },
  );

  test("a norm of an edge comes back with what multiplies it", () => {
    const plain = 'pre rmsnorm "h.0.ln"';
    for (const gain of ['number "0.5"', 'tensor "g: scale([4])"']) {
      const text = twoLayers.replace(plain, `${plain} times ${gain}`);
      expect(text).toContain(gain);
      expect(printGraph(graphOf(text))).toBe(text);
    }
  });

  test("annotations can be left out", () => {
    const text = printGraph(graphOf(twoLayers), { annotations: false });
    expect(text).not.toContain("label");
    expect(text).not.toContain("scope h[0] edges");
    expect(text).toContain("%0: f32[B, T, 4] = rms_norm(x: %x, weight: %h.0.ln.weight, eps: 1e-6)\n");
  });

  test("numbers come back as they were: -0, infinities, NaN, small and large ones", () => {
    const text = (values: string) =>
      `graph g {\n  %0: f32[7] = constant(dtype: f32, shape: [7], values: [${values}])\n}\n`;
    const written = text("-0, inf, -inf, nan, 5e-324, 1e+300, 0.1");
    expect(printGraph(graphOf(written))).toBe(written);
    const [node] = graphOf(written).nodes;
    expect((node!.attrs as { values: number[] }).values).toEqual([
      -0,
      Infinity,
      -Infinity,
      NaN,
      5e-324,
      1e300,
      0.1,
    ]);
  });

  test("sizes come back as polynomials", () => {
    const text = `graph g {
  dim B
  dim T
  input %x: f32[B, T, 2*B*T - 3*T + 1, div(T - 1, 2) + 1]
}
`;
    expect(printGraph(graphOf(text))).toBe(text);
  });

  test("values with one hint get names of their own, and strange hints become names", () => {
    const nodes = ["x", "x", "x_1", "a b", "7", undefined].map((hint) =>
      makeNode(
        "iota",
        {},
        { size: tensorType("f32", 3).shape[0]! },
        undefined,
        hint === undefined ? [] : [hint],
      ),
    );
    const text = printGraph({ ...empty, nodes });
    const names = [...text.matchAll(/%[\w.]+/g)].map(([name]) => name);
    expect(names).toEqual(["%x", "%x_1", "%x_1_1", "%a_b", "%_7", "%0"]);
    expect(printGraph(graphOf(text))).toBe(text);
  });

  test("names, labels and texts with quotes, spaces and other scripts come back", () => {
    const value = makeValue(tensorType("f32"), "p");
    const node = makeNode(
      "neg",
      { x: value },
      {},
      {
        spans: [],
        label: 'über "x"\n\\',
        scope: [
          { label: "model.layers", index: 3 },
          { label: "", index: 0 },
        ],
        edges: [],
        fused: ["a b"],
      },
    );
    const graph: Graph = {
      ...empty,
      name: "Größe",
      parameters: [
        { name: "a/b c", value, init: { kind: "values", values: [1] }, trainable: false, span: undefined },
      ],
      nodes: [node],
      outputs: [{ name: "in f", value: onlyResult(node), span: undefined }],
    };
    const back = graphOf(printGraph(graph));
    expect(sameGraph(back, graph)).toBe(true);
    expect(back.nodes[0]!.origin).toEqual(node.origin);
    expect(back.name).toBe("Größe");
  });

  test("graphs that differ in one attribute, label or order are not the same", () => {
    const graph = graphOf(twoLayers);
    for (const [from, to] of [
      ["eps: 1e-6", "eps: 1e-5"],
      ['label "head"', 'label "tail"'],
      ["source_scale: 2, ", ""],
      ["%logits: f32[B, T, 10] = linear(x: %5", "%logits: f32[B, T, 10] = linear(x: %4"],
    ] as const) {
      expect(twoLayers).toContain(from);
      expect(sameGraph(graphOf(twoLayers.replace(from, to)), graph)).toBe(false);
    }
  });

  test("types of results may be left out, arguments may stand in order, lines may be comments", () => {
    const graph = graphOf(`// a comment
      graph g {
        dim B
        input %x: f32[B, 4]

        // another
        %y = add(%x, %x)
        %z = softmax(%y, axis: 1)
        output z = %z
      }`);
    expect(printGraph(graph)).toContain("%z: f32[B, 4] = softmax(%y, axis: 1)");
  });
});

const wrap = (line: string): string => `graph g {
  dim B
  input %x: f32[B, 4]
${line}
}`;

describe("mistakes in the text", () => {
  test.each([
    ["a line that is no statement", "  %y = add(%x %x)"],
    ["a stray character", "  output y = %x ?"],
    ["an unknown op", "  %y = ad(%x, %x)"],
    ["an unknown value", "  %y = add(%x, %xx)"],
    ["a name made twice", "  %x = neg(%x)"],
    ["an unknown attribute", "  %y = softmax(%x, axes: 1)"],
    ["a missing attribute", "  %y = layer_norm(x: %x)"],
    ["a missing operand", "  %y = add(%x)"],
    ["no arguments", "  %y = neg()"],
    ["too many operands", "  %y = neg(%x, %x)"],
    ["an argument given twice", "  %y = softmax(%x, axis: 1, axis: 1)"],
    ["an attribute of another kind", "  %y = softmax(%x, axis: 1.5)"],
    ["an unknown word", "  %y = rope(%x, pairs: halfs)"],
    ["a value in the place of a list", "  %y = concat(%x, axis: 0)"],
    ["a number in the place of a value", "  %y = neg(1)"],
    ["operands that do not fit", "  %y = reshape(%x, shape: [B, 5])"],
    ["a type that is not what the op gives", "  %y: f32[4, B] = neg(%x)"],
    ["too many results", "  %y, %z = neg(%x)"],
    ["no result", "  = neg(%x)"],
    ["an undeclared dim", "  input %y: f32[T]"],
    ["an unknown element type", "  input %y: float[B]"],
    ["a dim declared twice", "  dim B"],
    ["an unknown initializer", '  parameter %w: f32[2] = normel(0, 1) "w"'],
    ["an initializer with too few numbers", '  parameter %w: f32[2] = normal(0) "w"'],
    ["a text with an escape that JSON does not know", '  parameter %w: f32[2] = constant(0) "\\q"'],
    ["edges out of order", '  edge 1 "e" from "stream" { }'],
    ["an edge that does not exist", "  %y = neg(%x) edges 0.join"],
    ["a role that does not exist", "  %y = neg(%x) edges 0.joint"],
    ["a size too large to be one", "  input %y: f32[99999999999999999999]"],
    ["a product too large to be one", "  input %y: f32[1000000*1000000*1000000]"],
    ["brackets too deep", `  %y = concat(${"[".repeat(60)}%x${"]".repeat(60)}, axis: 0)`],
    ["a second graph", "graph h {"],
  ])("%s", (_, line) => {
    expect(messagesOf(wrap(line))).toMatchSnapshot();
  });

  test("several are reported at once, and a value of a wrong line blames no reader", () => {
    const text = wrap("  %y = ad(%x, %x)\n  %z = neg(%y)\n  %w = negg(%z)");
    expect(messagesOf(text).match(/error\[/g)).toHaveLength(2);
  });

  test.each([
    ["no text", ""],
    ["no header", "  dim B"],
    ["no end", "graph g {\n  dim B"],
    ["something after the end", "graph g {\n}\ndim B"],
  ])("a text with %s", (_, text) => {
    expect(messagesOf(text)).toMatchSnapshot();
  });
});
