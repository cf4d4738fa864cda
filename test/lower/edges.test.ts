import { describe, expect, test } from "vitest";
import { difference, graphOf, irOf, messages, opsOf, outputOf, TOLERANCE } from "./support.ts";

const model = (body: string, more = ""): string =>
  `model m {\n  input x: f32[B, 8]\n${body}\n  output y\n}\n${more}`;

describe("a residual edge", () => {
  test("is one node; its norm is a node that names the edge", () => {
    expect(irOf(model("residual pre ln: layernorm(affine: false) { f: linear(8, bias: false) }")))
      .toMatchInlineSnapshot(`
      "
      graph m {
        dim B
        input %x: f32[B, 8]
        parameter %f.weight: f32[8, 8] = uniform(-0.35355339059327373, 0.35355339059327373) "f.weight"
        edge 0 "edge 0" from "stream" { pre layernorm "ln"; branch "f" }
        %0: f32[B, 8] = layer_norm(x: %x, eps: 1e-5) label "ln" edges 0.pre
        %1: f32[B, 8] = linear(x: %0, weight: %f.weight) label "f"
        %y: f32[B, 8] = residual(source: %x, branches: [%1], edge: 0) edges 0.join
        output y = %y
      }
      "
    `);
  });

  test.each([
    ["a number", "pre ln: layernorm * 0.5", "{ stream * 0.5 -> f: linear(8) }", "pre ln: layernorm"],
    [
      "a tensor",
      "post ln: rmsnorm * (g: parameter([8], init: 2))",
      "{ f: linear(8) }\nstream * (g: parameter([8], init: 2))",
      "post ln: rmsnorm",
    ],
    [
      "both of a sandwich",
      "sandwich ln: layernorm * 0.5",
      "{ stream * 0.5 -> f: linear(8) }",
      "pre ln.pre: layernorm, out ln.out: layernorm * 0.5",
    ],
  ])(
    "takes a norm times %s: what stands in the branch or behind the edge otherwise",
    (_, clause, rest, plain) => {
      const gained = graphOf(model(`residual ${clause} { f: linear(8) }`));
      const written = graphOf(model(`residual ${plain} ${rest}`));
      expect(difference(outputOf(gained).data, outputOf(written).data)).toBe(0);
      expect(gained.edges[0]!.norms.every(({ gain }) => gain !== undefined)).toBe(true);
    },
  );

  test("whose norm is multiplied says so, and the product is the norm's own", () => {
    expect(
      irOf(model("residual pre ln: layernorm(affine: false) * (1 / sqrt(4)) { f: linear(8, bias: false) }")),
    ).toMatchInlineSnapshot(`
        "
        graph m {
          dim B
          input %x: f32[B, 8]
          parameter %f.weight: f32[8, 8] = uniform(-0.35355339059327373, 0.35355339059327373) "f.weight"
          edge 0 "edge 0" from "stream" { pre layernorm "ln" times number "0.5"; branch "f" }
          %0: f32[B, 8] = layer_norm(x: %x, eps: 1e-5) label "ln" edges 0.pre
          %1: f32[] = full(dtype: f32, shape: [], value: 0.5) edges 0.pre
          %2: f32[B, 8] = mul(%0, %1) label "ln" edges 0.pre
          %3: f32[B, 8] = linear(x: %2, weight: %f.weight) label "f"
          %y: f32[B, 8] = residual(source: %x, branches: [%3], edge: 0) edges 0.join
          output y = %y
        }
        "
      `);
    expect(irOf(model("residual pre ln: none * 2 { f: linear(8) }"))).not.toContain("mul");
  });

  test("carries what `from` names, and its branch reads the stream", () => {
    const text = model("x0 = stream\na: linear(8)\nresidual from x0, skip 2 { b: linear(8) }");
    const graph = graphOf(text);
    const node = graph.nodes.find(({ op }) => op === "residual")!;
    expect(node.op === "residual" && node.operands.source).toBe(graph.inputs[0]!.value);
    expect(graph.edges[0]).toMatchObject({
      source: "x0",
      branches: ["b"],
      skip: { kind: "number", text: "2" },
    });
  });

  test("without a body adds the stream itself, in `from`'s order", () => {
    const graph = graphOf(model("a: linear(8)\nresidual from x"));
    const plain = graphOf(model("a: linear(8)\nx + stream"));
    expect(difference(outputOf(graph).data, outputOf(plain).data)).toBe(0);
    expect(graph.edges[0]!.branches).toEqual([""]);
  });

  test("may carry a chain: a projection on the way round", () => {
    const graph = graphOf(model("residual from (stream -> proj: linear(4)) { f: linear(4) }"));
    expect(graph.edges[0]!.source).toBe("(stream -> proj: linear(4))");
    expect(graph.nodes.find(({ op }) => op === "linear")!.origin.edges).toEqual([{ edge: 0, role: "skip" }]);
  });

  test("takes the branches of a `parallel` at the end of its body, in text order", () => {
    const graph = graphOf(
      model("residual pre ln: layernorm { parallel { b: linear(8); a: linear(8) -> relu } }"),
    );
    expect(graph.edges[0]!.branches).toEqual(["b", "a"]);
    const node = graph.nodes.find(({ op }) => op === "residual")!;
    expect(node.op === "residual" && node.operands.branches).toHaveLength(2);
    expect(opsOf(graph)).not.toContain("add");
  });

  test("sums the branches first where an out-norm needs the sum", () => {
    const graph = graphOf(model("residual out ln: layernorm { parallel { b: linear(8); a: linear(8) } }"));
    expect(opsOf(graph)).toEqual(["linear", "linear", "add", "layer_norm", "residual"]);
  });

  test("nests: the inner edge has its own name and its own stream", () => {
    const graph = graphOf(model("repeat 1 as h { residual { a: linear(8); residual { b: linear(8) } } }"));
    expect(graph.edges.map(({ name, branches }) => [name, branches])).toEqual([
      ["h.0 edge 0", ["a -> b"]],
      ["h.0 edge 1", ["b"]],
    ]);
  });

  test("names its value with `as`, which a later iteration reads", () => {
    const graph = graphOf(
      model("repeat 2 as h[i] { residual { a: linear(8) } as z; if i > 0 { stream + h[i - 1].z } }"),
    );
    expect(opsOf(graph)).toEqual(["linear", "residual", "linear", "residual", "add"]);
  });

  test("a parameter of kind layer that holds none places no norm", () => {
    const graph = graphOf(
      model(
        "f(norm: layernorm) -> f",
        "block f(norm: layer = none) { input x: [.., D]; residual pre ln: norm { linear(D) } }",
      ),
    );
    expect(graph.edges.map(({ norms }) => norms.length)).toEqual([1, 0]);
  });

  test("a block may stand in the place of a norm", () => {
    const graph = graphOf(model("residual pre n: dyt { f: linear(8) }"));
    expect(graph.edges[0]!.norms).toEqual([{ position: "pre", kind: "dyt", label: "n" }]);
  });
});

describe("parallel", () => {
  test("sums its branches from left to right; bindings and untaken branches are none", () => {
    const text = model(
      "parallel { a: linear(8); w = x; if 1 == 2 { relu } else { tanh }; { sigmoid; stream * w } }",
    );
    const plain = model("((a: linear(8)) + (tanh)) + (x -> sigmoid) * x");
    expect(difference(outputOf(graphOf(text)).data, outputOf(graphOf(plain)).data)).toBeLessThan(TOLERANCE);
  });

  test("each iteration of a repeat is a branch that reads the same stream", () => {
    const text = model("parallel { repeat 3 as e { f: linear(8); relu } } as sum: [B, 8]\nsum * 2");
    const graph = graphOf(text);
    expect(opsOf(graph)).toEqual([..."linear relu linear relu linear relu add add full mul".split(" ")]);
    const inputs = graph.nodes.filter((node) => node.op === "linear").map((node) => node.operands.x);
    expect(new Set(inputs)).toEqual(new Set([graph.inputs[0]!.value]));
  });
});

test("an edge is listed as it was written, on one line, without comments, whatever its line breaks", () => {
  const one = "residual from (x -> p: linear(8)), skip g: scale([8], init: 0) { relu }";
  const broken =
    "residual from ( // far\n    x\n      -> p: linear(8) // (here)\n  ), skip g: scale(\n    [8],\n    init: 0,\n  ) { relu }";
  expect(irOf(model(broken))).toBe(irOf(model(one)));
});

test("a gain that lacks what its layer needs is a mistake like any other call", () => {
  expect(messages(model("residual branch g: scale { f: linear(8) }"))).toContain(
    "error[E305]: `scale` needs `shape`",
  );
});

test("what multiplies a norm fits it", () => {
  expect(
    messages(
      model(
        'residual pre ln: layernorm * "a" { f: linear(8) }\n  residual pre ln2: layernorm * (p: parameter([2, 1, 8], init: 1)) { g: linear(8) }',
      ),
    ),
  ).toMatchInlineSnapshot(`
    "
    model.lmg:3:30: error[E525]: what multiplies a norm is a number or a tensor, got the text "a"
      3 | residual pre ln: layernorm * "a" { f: linear(8) }
        |                              ^^^
    model.lmg:4:33: error[E525]: the norm gives f32[B, 8], which f32[2, 1, 8] cannot multiply
      4 |   residual pre ln2: layernorm * (p: parameter([2, 1, 8], init: 1)) { g: linear(8) }
        |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "
  `);
});
