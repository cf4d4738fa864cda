import { describe, expect, test } from "vitest";
import { graphOf, modelOf, opsOf, outputOf, parameterNames } from "./support.ts";

const model = (body: string, more = ""): string =>
  `model m {\n  input x: f32[B, T, 8]\n${body}\n  output y\n}\n${more}`;

const attr = (graph: ReturnType<typeof graphOf>, op: string, name: string): unknown =>
  (graph.nodes.find((node) => node.op === op)!.attrs as Record<string, unknown>)[name];

describe("arguments", () => {
  const block =
    "block f(n: int, eps = 1e-5, act: layer = relu) { input x: [.., D]; layernorm(eps, affine: false) -> act -> linear(n) }";

  test("those without a default go by order, the others by name or as a variable of their name", () => {
    const graph = graphOf(model("let eps = 0.5\nf(8, eps, act: tanh)", block));
    expect(attr(graph, "layer_norm", "eps")).toBe(0.5);
    expect(opsOf(graph)).toEqual(["layer_norm", "tanh", "linear"]);
  });

  test("a layer with arguments is a value; calling it again adds or replaces them", () => {
    const graph = graphOf(model("let g = f(8, act: tanh)\ng(eps: 0.25)", block));
    expect(attr(graph, "layer_norm", "eps")).toBe(0.25);
    expect(opsOf(graph)).toContain("tanh");
  });

  test("one name can be a value, a layer and a label at once", () => {
    const graph = graphOf(model("let heads = 2\nheads = stream -> heads(heads)\nheads -> heads: scale([4])"));
    expect(parameterNames(graph)).toEqual(["heads"]);
  });

  test("defaults are worked out where they are needed, from dims too", () => {
    const text = model(
      "g",
      "block g(n: int = half * 2, half: int = D / 2) { input x: [.., D]; linear(n) as z: [.., 8] }",
    );
    expect(parameterNames(graphOf(text))).toEqual(["g.linear.weight", "g.linear.bias"]);
  });

  test("a whole float is an int, and words pass through parameters of words", () => {
    const text = model(
      "g(8.0, layout: in_out)",
      "block g(n: int, layout: in_out | out_in = out_in) { input x: [.., D]; linear(n, layout) }",
    );
    expect(attr(graphOf(text), "linear", "layout")).toBe("in_out");
  });
});

describe("inputs and outputs", () => {
  test("a block with several inputs takes a tuple; those with a default may be left off or none", () => {
    const block =
      "block g() { input a: [B, T, D]; input b: [B, T, D] = a; input c: [B, T, D] = none; if c != none { stream + c }; stream - b }";
    const zero = graphOf(model("g", block));
    expect(outputOf(zero).data.every((element) => element === 0)).toBe(true);
    expect(opsOf(graphOf(model("(x, x -> relu, x) -> g", block)))).toEqual(["relu", "add", "sub"]);
    expect(opsOf(graphOf(model("(x, none, none) -> g", block)))).toEqual(["sub"]);
  });

  test("several outputs are a tuple, bound by names; `_` drops one", () => {
    const block = "block g() { input a: [.., D]; relu as r; tanh as t; output r; output t }";
    const graph = graphOf(model("(_, t) = g\nt", block));
    expect(graph.nodes.find((node) => node.results[0] === graph.outputs[0]!.value)?.op).toBe("tanh");
  });

  test("`..` takes any leading dims, and capitals bind from left to right", () => {
    const block = "block g() { input a: [.., D]; input b: [D, E]; (a, b) -> matmul as y: [.., E] }";
    const text = `model m { input x: f32[B, T, 8]; input w: f32[8, 3]; (x, w) -> g; output y: f32[B, T, 3] }\n${block}`;
    expect(opsOf(graphOf(text))).toEqual(["matmul"]);
  });

  test("an input of the model may have a number as its default", () => {
    const { inputs, symbols } = graphOf(
      "model m(ctx = 9) { input x: f32[B, T <= ctx]; input mask: bool[B, T] = true; x; output y }",
    );
    expect(inputs.map(({ name, fill }) => [name, fill])).toEqual([
      ["x", undefined],
      ["mask", 1],
    ]);
    expect(symbols).toEqual([{ name: "B" }, { name: "T", max: 9 }]);
  });

  test("a model can be a block; its train, config and default lines are then left out", () => {
    const text = `model outer { config { neutral width }; input x: f32[B, 8]; inner: inner(n: 4) ; output y: f32[B, 4] }
      model inner(n = 8) {
        config { n = width; assert kind == "a", "no" }
        default linear(bias: false)
        input z: f32[C, 8]
        l: linear(n)
        output y
        train { loss y -> mean }
      }`;
    const { graph, train } = modelOf(text, { config: { width: 3 } });
    expect(parameterNames(graph)).toEqual(["inner.l.weight", "inner.l.bias"]);
    expect(train).toBeUndefined();
  });

  test("one's own block hides the library's", () => {
    const graph = graphOf(model("swiglu(3)", "block swiglu(n: int) { input x: [.., D]; linear(n) }"));
    expect(opsOf(graph)).toEqual(["linear"]);
  });
});

describe("a `default` line", () => {
  const init = (graph: ReturnType<typeof graphOf>) => graph.parameters.map((parameter) => parameter.init);

  test("fills what calls leave out, in blocks too; a call's own argument wins", () => {
    const text = model(
      "default linear(init: normal(std: 0.5), bias: false)\ng -> linear(8, init: 3)",
      "block g() { input x: [.., D]; linear(D) }",
    );
    const graph = graphOf(text);
    expect(init(graph)).toEqual([
      { kind: "normal", mean: 0, std: 0.5 },
      { kind: "constant", value: 3 },
    ]);
  });
});

describe("initializers", () => {
  test("know the fans of their weight", () => {
    const graph = graphOf(
      model(
        "linear(3, init: xavier(gain: 2), bias: false) -> linear(5, init: he(distribution: normal), layout: in_out, bias: false)",
      ),
    );
    expect(graph.parameters.map((parameter) => parameter.init)).toEqual([
      { kind: "xavier", distribution: "uniform", gain: 2, fanIn: 8, fanOut: 3 },
      { kind: "he", distribution: "normal", gain: Math.SQRT2, fanIn: 3, fanOut: 5 },
    ]);
  });

  test("a linear layer begins as torch.nn.Linear does: uniform in ±1/√fan_in", () => {
    expect(graphOf(model("linear(3)")).parameters[0]!.init).toEqual({
      kind: "uniform",
      low: -(8 ** -0.5),
      high: 8 ** -0.5,
    });
  });
});

describe("the training graph", () => {
  test("knows `training`, and batch norms take the statistics of the batch", () => {
    const text = "model m { input x: f32[B, 8]; bn: batchnorm; if training { stream * 2 }; output y }";
    expect(opsOf(graphOf(text))).toEqual(["batch_norm"]);
    const graph = graphOf(text, { training: true });
    expect(opsOf(graph)).toEqual(["batch_statistics", "batch_norm", "full", "mul"]);
    const rows = 64;
    const { data } = outputOf(
      graphOf(text.replace("bn: batchnorm", "bn: batchnorm(affine: false)"), { training: true }),
      { B: rows },
    );
    const column = Array.from({ length: rows }, (_, row) => data[row * 8]! / 2);
    expect(Math.abs(column.reduce((a, b) => a + b, 0) / rows)).toBeLessThan(1e-12);
    // The variance is 1 but for epsilon: v / (v + 1e-5) with v about 1/3.
    expect(Math.abs(column.reduce((a, b) => a + b * b, 0) / rows - 1)).toBeLessThan(1e-4);
  });
});
