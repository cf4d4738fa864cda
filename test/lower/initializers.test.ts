import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Graph, Initializer } from "../../src/ir/graph.ts";
import { printGraph } from "../../src/ir/print.ts";
import { readGraph } from "../../src/ir/read.ts";
import type { LowerOptions } from "../../src/lower/lower.ts";
import { graphOf, mistakes } from "./support.ts";

const initOf = (graph: Graph, name: string): Initializer =>
  graph.parameters.find((parameter) => parameter.name === name)!.init;

const example = (name: string, options: LowerOptions = {}): Graph =>
  graphOf(readFileSync(new URL(`../../examples/${name}.lmg`, import.meta.url), "utf8"), options);

const bodyOf = (body: string, more = ""): Graph =>
  graphOf(`model m(depth = 2) {\n  input x: f32[B, T, 8]\n${body}\n  output y\n}\n${more}`);

describe("initializers", () => {
  const graph = bodyOf(`
    a: linear(8, init: truncated_normal(std: 0.5))
    b: linear(8, init: orthogonal)
    c: linear(8, init: orthogonal(gain: 2))
    d: linear(8, init: 0)
    e: linear(8, bias: false, init: eye(gain: 0.5))
    stream * (f: parameter([8], init: unit(3)))
    stream * (g: parameter([8], init: [i / 2 for i in 8]))`);

  test("by name, with their options", () => {
    expect(initOf(graph, "a.weight")).toEqual({ kind: "truncated_normal", mean: 0, std: 0.5 });
    expect(initOf(graph, "b.weight")).toEqual({ kind: "orthogonal", gain: 1 });
    expect(initOf(graph, "c.weight")).toEqual({ kind: "orthogonal", gain: 2 });
    expect(initOf(graph, "d.weight")).toEqual({ kind: "constant", value: 0 });
    expect(initOf(graph, "e.weight")).toEqual({ kind: "eye", gain: 0.5 });
    expect(initOf(graph, "f")).toEqual({ kind: "unit", index: 3, gain: 1 });
    expect(initOf(graph, "g")).toEqual({ kind: "values", values: [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5] });
  });

  test("are in the text of the graph", () => {
    const text = printGraph(graph);
    expect(text).toContain('= truncated_normal(0, 0.5) "a.weight"');
    expect(text).toContain('= orthogonal(2) "c.weight"');
    expect(text).toContain('= eye(0.5) "e.weight"');
    expect(text).toContain('= unit(3, 1) "f"');
    const read = readGraph({ name: "g.ir", text }).graph!;
    expect(read.parameters.map(({ init }) => init)).toEqual(graph.parameters.map(({ init }) => init));
  });

  test("orthogonal begins matrices", () => {
    expect(mistakes("  w = p: parameter([8], init: orthogonal)\n  stream * w")).toMatchInlineSnapshot(`
      "
      model.lmg:3:7: error[E414]: \`parameter\`: \`orthogonal\` begins matrices, not a parameter of shape [8]
        3 |   w = p: parameter([8], init: orthogonal)
          |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      "
    `);
  });

  test("eye begins a matrix, unit an element that is there", () => {
    const inits = [
      "[8], init: eye",
      "[8], init: unit(8)",
      "[8], init: unit(-1)",
      "[8], init: [i for i in 7]",
    ];
    const lines = inits.map((init, index) => `  stream * (p${index}: parameter(${init}))`);
    expect(mistakes(lines.join("\n"))).toMatchInlineSnapshot(`
      "
      model.lmg:3:13: error[E414]: \`parameter\`: \`eye\` begins a matrix, not a parameter of shape [8]
        3 |   stream * (p0: parameter([8], init: eye))
          |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      model.lmg:4:13: error[E414]: \`parameter\`: \`unit(8)\` is 1 at element 8, and the last of [8] is 7
        4 |   stream * (p1: parameter([8], init: unit(8)))
          |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      model.lmg:5:38: error[E318]: \`unit\`: elements are counted from 0, got -1
        5 |   stream * (p2: parameter([8], init: unit(-1)))
          |                                      ^^^^^^^^
      model.lmg:6:13: error[E414]: \`parameter\`: 7 numbers do not fill [8]
        6 |   stream * (p3: parameter([8], init: [i for i in 7]))
          |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      "
    `);
  });

  test("unit is a block too: a let holds the initializer where an element is given", () => {
    const graph = bodyOf(
      "  let first = unit(1)\n  let norm = unit(eps: 1e-6)\n  norm\n  stream * (p: parameter([8], init: first))",
    );
    expect(initOf(graph, "p")).toEqual({ kind: "unit", index: 1, gain: 1 });
    expect(graph.nodes.some(({ op }) => op === "l2_norm")).toBe(true);
  });

  test("a block hands on an initializer; none leaves it to the defaults of the model", () => {
    const block = `block pair(first: init = none) {
      input x: [.., D]
      up: linear(D, init: first) -> down: linear(D)
    }`;
    const given = bodyOf("  default linear(init: normal(std: 0.5))\n  p: pair(first: 1)\n  q: pair", block);
    expect(initOf(given, "p.up.weight")).toEqual({ kind: "constant", value: 1 });
    expect(initOf(given, "p.down.weight")).toEqual({ kind: "normal", mean: 0, std: 0.5 });
    expect(initOf(given, "q.up.weight")).toEqual({ kind: "normal", mean: 0, std: 0.5 });
  });
});

describe("init on an edge", () => {
  const half = (body: string, more = ""): Graph => bodyOf(`  residual init 0.5 { ${body} }`, more);
  /** torch.nn.Linear's bound for 8 inputs, halved. */
  const bound = 0.5 / Math.sqrt(8);
  const scaled = { kind: "uniform", low: -bound, high: bound };
  const whole = { kind: "uniform", low: -2 * bound, high: 2 * bound };

  test("halves the weights and biases that end the branch, and no others", () => {
    const graph = half("mlp: ffn(8)");
    expect(initOf(graph, "mlp.fc2.weight")).toEqual(scaled);
    expect(initOf(graph, "mlp.fc2.bias")).toEqual(scaled);
    expect(initOf(graph, "mlp.fc1.weight")).toEqual(whole);
  });

  test("finds the end of the library's blocks", () => {
    const graph = half("attn: attention(2) -> dropout(0.1)");
    expect(initOf(graph, "attn.o_proj.weight")).toEqual(scaled);
    expect(initOf(graph, "attn.v_proj.weight")).toEqual(whole);
    const gated = half("mlp: swiglu(8)");
    expect(initOf(gated, "mlp.down_proj.weight")).toEqual(scaled);
    expect(initOf(gated, "mlp.up_proj.weight")).toEqual(whole);
    const experts = half("mlp: moe(2, 1, 8)");
    expect(initOf(experts, "mlp.experts.*.w2.weight")).toEqual(scaled);
    expect(initOf(experts, "mlp.experts.*.w1.weight")).toEqual(whole);
    expect(initOf(experts, "mlp.gate.weight")).toEqual(whole);
  });

  test("halves every branch of a parallel, summed by the edge or before a norm", () => {
    for (const out of ["", "out n: layernorm, "]) {
      const graph = bodyOf(`  residual ${out}init 0.5 { parallel { a: linear(8); relu -> b: linear(8) } }`);
      expect(initOf(graph, "a.weight")).toEqual(scaled);
      expect(initOf(graph, "b.weight")).toEqual(scaled);
    }
  });

  test("halves a matrix as a factor, however it begins", () => {
    const inits = [
      "normal(std: 0.5)",
      "xavier(gain: 3)",
      "he",
      "orthogonal",
      "2",
      "truncated_normal",
      "eye",
      "unit(1)",
    ];
    const found = inits.map((init) => initOf(half(`w: linear(8, init: ${init})`), "w.weight"));
    expect(found).toEqual([
      { kind: "normal", mean: 0, std: 0.25 },
      { kind: "xavier", distribution: "uniform", gain: 1.5, fanIn: 8, fanOut: 8 },
      { kind: "he", distribution: "uniform", gain: Math.SQRT1_2, fanIn: 8, fanOut: 8 },
      { kind: "orthogonal", gain: 0.5 },
      { kind: "constant", value: 1 },
      { kind: "truncated_normal", mean: 0, std: 0.5 },
      { kind: "eye", gain: 0.5 },
      { kind: "unit", index: 1, gain: 0.5 },
    ]);
    const list = half("stream * ((s: parameter([8, 1], init: [1, 2, 3, 4, 5, 6, 7, 8])) -> squeeze(-1))");
    expect(initOf(list, "s")).toEqual({ kind: "values", values: [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4] });
  });

  test("scales shared weights once", () => {
    const graph = bodyOf("  repeat 3 shared { residual init 0.5 { l: linear(8) } }");
    expect(initOf(graph, "l.weight")).toEqual(scaled);
  });

  test("needs weights of its own at the end, and a factor of at least 0", () => {
    expect(mistakes("  residual init 0.5 { l: linear(8) -> tanh }")).toMatchInlineSnapshot(`
      "
      model.lmg:3:12: error[E530]: \`init\` scales the weights that end a branch, but no weights of its own end this one
        3 |   residual init 0.5 { l: linear(8) -> tanh }
          |            ^^^^^^^^
        3 |   residual init 0.5 { l: linear(8) -> tanh }
          |                                       ^^^^ the branch ends with this
        help: give the initializer to the layer that is meant: \`linear(…, init: normal(std: 0.01))\`
      "
    `);
    expect(mistakes("  residual init 0.5 { l: linear(8); stream + y0 }\n".replace("y0", "x")))
      .toMatchInlineSnapshot(`
      "
      model.lmg:3:12: error[E530]: \`init\` scales the weights that end a branch, but no weights of its own end this one
        3 |   residual init 0.5 { l: linear(8); stream + x }
          |            ^^^^^^^^
        3 |   residual init 0.5 { l: linear(8); stream + x }
          |                                     ^^^^^^^^^^ the branch ends with this
        help: give the initializer to the layer that is meant: \`linear(…, init: normal(std: 0.01))\`
      "
    `);
    expect(mistakes("  residual init -1 { l: linear(8) }")).toMatchInlineSnapshot(`
      "
      model.lmg:3:17: error[E529]: \`init\` takes a factor of at least 0, got -1
        3 |   residual init -1 { l: linear(8) }
          |                 ^^
      "
    `);
    expect(mistakes("  residual init gelu { l: linear(8) }")).toMatchInlineSnapshot(`
      "
      model.lmg:3:17: error[E203]: \`gelu\` is a layer, but a value is needed here
        3 |   residual init gelu { l: linear(8) }
          |                 ^^^^
        help: apply it to the stream in parentheses, \`(gelu)\`, or to a value with an arrow, \`x -> gelu\`
      "
    `);
    expect(mistakes("  residual init 1, init 2 { l: linear(8) }")).toMatchInlineSnapshot(`
      "
      model.lmg:3:20: error[E522]: \`init\` stands twice on this edge
        3 |   residual init 1, init 2 { l: linear(8) }
          |                    ^^^^^^
        3 |   residual init 1, init 2 { l: linear(8) }
          |            ^^^^^^ the first one
      "
    `);
  });
});

describe("published initializations", () => {
  test("GPT-2: 0.02, and 0.02 / √(2 · depth) where a residual branch ends", () => {
    // transformers' GPT2PreTrainedModel._init_weights: initializer_range / sqrt(2 * n_layer) for c_proj.weight.
    const graph = example("gpt2");
    for (const { name, init } of graph.parameters) {
      const isMatrix = name.endsWith(".weight") && !/ln_/.test(name);
      if (!isMatrix) continue;
      const std = name.endsWith("c_proj.weight") ? 0.02 / Math.sqrt(2 * 12) : 0.02;
      expect(init).toMatchObject({ kind: "normal", mean: 0 });
      // One rounding for the root and one for each product.
      expect(Math.abs((init as { std: number }).std / std - 1)).toBeLessThan(1e-15);
    }
    expect(graph.parameters.filter(({ name }) => name.endsWith("c_proj.weight"))).toHaveLength(24);
  });

  test.each([
    // Wang et al. 2022, table in figure 2, encoder-only or decoder-only: alpha = (2N)^(1/4), beta = (8N)^(-1/4).
    [2, 1.41421356, 0.5],
    [6, 1.86120972, 0.37991784],
    [24, 2.632148, 0.26864248],
    [100, 3.760603093, 0.188030155],
  ])("DeepNorm with %i layers has the paper's alpha and beta", (depth, alpha, beta) => {
    const graph = example("deepnorm", { settings: { depth, dim: 16 } });
    const gains = (pattern: RegExp): number[] =>
      graph.parameters.flatMap(({ name, init }) =>
        pattern.test(name) && "gain" in init && init.kind === "xavier" && init.distribution === "normal"
          ? [init.gain]
          : [],
      );
    const joins = graph.nodes.filter((node) => node.op === "residual");
    expect(joins).toHaveLength(2 * depth);
    for (const { attrs } of joins)
      expect(attrs).toMatchObject({ source_scale: expect.closeTo(alpha, 6) as number });
    const small = gains(/(v_proj|o_proj|fc1|fc2)\.weight$/);
    expect(small).toHaveLength(4 * depth);
    for (const gain of small) expect(gain).toBeCloseTo(beta, 7);
    expect(gains(/(q_proj|k_proj)\.weight$/)).toEqual(Array.from({ length: 2 * depth }, () => 1));
  });
});
