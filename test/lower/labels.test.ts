import { describe, expect, test } from "vitest";
import { difference, graphOf, irOf, messages, modelOf, opsOf, outputOf, parameterNames } from "./support.ts";

const model = (body: string, more = ""): string =>
  `model m {\n  input x: f32[B, 8]\n${body}\n  output y\n}\n${more}`;

describe("labels are the names of weights", () => {
  test("repeats, blocks and dotted labels build the full name", () => {
    const text = model(
      "repeat 2 as model.layers { residual pre ln_1: rmsnorm { attn: f -> out.proj: linear(8) } }",
      "block f() { input x: [.., D]; q.proj: linear(D, bias: false) }",
    );
    expect(parameterNames(graphOf(text))).toEqual([
      "model.layers.0.ln_1.weight",
      "model.layers.0.attn.q.proj.weight",
      "model.layers.0.out.proj.weight",
      "model.layers.0.out.proj.bias",
      "model.layers.1.ln_1.weight",
      "model.layers.1.attn.q.proj.weight",
      "model.layers.1.out.proj.weight",
      "model.layers.1.out.proj.bias",
    ]);
  });

  test("`parameter` and `scale` own the label itself, `bias` and `affine` what follows it", () => {
    const text = model("p = w: parameter([8])\ns: scale([8]) -> b: bias -> a: affine([8])\nstream + p");
    expect(parameterNames(graphOf(text))).toEqual(["w", "s", "b.bias", "a.weight", "a.bias"]);
  });

  test("a label in quotes has its holes filled in, in layers, norms and repeats", () => {
    const text = model(
      'let kinds = ["a", "b.c"]\nrepeat 2 as "{kinds[1]}.layers"[i] { residual pre "ln_{i}": rmsnorm { "{kinds[i]}": linear(8, bias: false) } }',
    );
    expect(parameterNames(graphOf(text))).toEqual([
      "b.c.layers.0.ln_0.weight",
      "b.c.layers.0.a.weight",
      "b.c.layers.1.ln_1.weight",
      "b.c.layers.1.b.c.weight",
    ]);
  });

  test("an empty label adds no name: a block owns its own, and one in another is as if it stood there", () => {
    const text = model(
      "a: gain -> b: outer",
      'block gain { input x: [.., D]; x * ("": parameter([D])) }\n' +
        'block outer { input x: [.., D]; "": inner -> "": gain }\nblock inner { input x: [.., D]; up: linear(D, bias: false) }',
    );
    const lowered = modelOf(text);
    expect(parameterNames(lowered.graph)).toEqual(["a", "b.up.weight", "b"]);
    expect(lowered.unlabelled).toEqual([]);
  });

  test("`sandwich` puts its two names behind a label in quotes", () => {
    const text = model('let n = "ln"\nresidual sandwich "{n}": rmsnorm { f: linear(8, bias: false) }');
    expect(parameterNames(graphOf(text))).toEqual(["ln.pre.weight", "f.weight", "ln.out.weight"]);
  });

  test("a layer with a label in quotes can be used again by its name", () => {
    const text = model('let n = "a"\n"{n}.b": linear(8, bias: false)\nsame(a.b)');
    expect(opsOf(graphOf(text))).toEqual(["linear", "linear"]);
    expect(parameterNames(graphOf(text))).toEqual(["a.b.weight"]);
  });

  test("batch norm owns its running statistics, which are not trained", () => {
    const { parameters } = graphOf(model("bn: batchnorm"));
    expect(parameters.map(({ name, trainable }) => [name, trainable])).toEqual([
      ["bn.weight", true],
      ["bn.bias", true],
      ["bn.running_mean", false],
      ["bn.running_var", false],
    ]);
  });

  test("without labels, layers and repeats are named by kind and order, and the model says which", () => {
    const text = model(
      "linear(8); relu; linear(8); repeat 2 { rmsnorm; f }; repeat 1 { f }",
      "block f() { input x: [.., D]; linear(D, bias: false) }",
    );
    const { graph, unlabelled } = modelOf(text);
    const names = [
      "linear.weight",
      "linear.bias",
      "linear_1.weight",
      "linear_1.bias",
      "repeat.0.rmsnorm.weight",
      "repeat.0.f.linear.weight",
      "repeat.1.rmsnorm.weight",
      "repeat.1.f.linear.weight",
      "repeat_1.0.f.linear.weight",
    ];
    expect(parameterNames(graph)).toEqual(names);
    expect(unlabelled.map(({ name }) => name)).toEqual(names);
  });

  test("a range counts from its start, and an index alone is the name", () => {
    const text = model("repeat 2..4 as h[i] { repeat 1 as [j] { a: linear(8, bias: false) } }");
    expect(parameterNames(graphOf(text))).toEqual(["h.2.0.a.weight", "h.3.0.a.weight"]);
  });

  test("none with a label owns nothing and lets the value through", () => {
    const text = model("a: f(act: none) -> b: f", "block f(act: layer = none) { input x: [.., D]; g: act }");
    expect(opsOf(graphOf(text))).toEqual([]);
  });
});

describe("weights that are used again", () => {
  test("`same` runs a layer with the weights at its label", () => {
    const text = model(
      "a: f\nx -> same(a)",
      "block f() { input x: [.., D]; w: linear(D) -> relu -> v: linear(D) }",
    );
    const graph = graphOf(text);
    expect(parameterNames(graph)).toEqual(["a.w.weight", "a.w.bias", "a.v.weight", "a.v.bias"]);
    expect(opsOf(graph)).toEqual(["linear", "relu", "linear", "linear", "relu", "linear"]);
    const once = graphOf(
      model("a: f", "block f() { input x: [.., D]; w: linear(D) -> relu -> v: linear(D) }"),
    );
    expect(difference(outputOf(graph).data, outputOf(once).data)).toBe(0);
  });

  test("`same` finds a layer of an earlier iteration", () => {
    const text = model("repeat 3 as h[i] { if i == 0 { a: linear(8) } else { same(h[0].a) } }");
    expect(parameterNames(graphOf(text))).toEqual(["h.0.a.weight", "h.0.a.bias"]);
  });

  test("`unembed` multiplies by a table, transposed", () => {
    const text = `model m { input ids: i32[B, T]; wte: embedding(7, 4); unembed(wte); output y }`;
    expect(irOf(text)).toMatchInlineSnapshot(`
      "
      graph m {
        dim B
        dim T
        input %ids: i32[B, T]
        parameter %wte.weight: f32[7, 4] = normal(0, 1) "wte.weight"
        %0: f32[B, T, 4] = embedding(table: %wte.weight, ids: %ids) label "wte"
        %y: f32[B, T, 7] = linear(x: %0, weight: %wte.weight)
        output y = %y
      }
      "
    `);
  });

  test("a block takes a label as a parameter", () => {
    const text = `model m { input ids: i32[B]; wte: embedding(7, 4); head(wte); output y }
      block head(table: label) { input x: [.., D]; rmsnorm(affine: false) -> unembed(table) }`;
    expect(parameterNames(graphOf(text))).toEqual(["wte.weight"]);
  });

  test("a label in a block that was called is found by its path", () => {
    const tables = "block tables() { input ids: i32[B, T]; words: embedding(7, 4) }";
    const inside = `model m { input ids: i32[B, T]; a.b: tables; unembed(a.b.words); output y }\n${tables}`;
    expect(parameterNames(graphOf(inside))).toEqual(["a.b.words.weight"]);
    const deeper = `model m { input ids: i32[B, T]; a: outer; unembed(a.inner.words); output y }
      block outer() { input ids: i32[B, T]; inner: tables }\n${tables}`;
    expect(parameterNames(graphOf(deeper))).toEqual(["a.inner.words.weight"]);
    const nameless = `model m { input ids: i32[B, T]; "": tables; unembed(words); output y }\n${tables}`;
    expect(parameterNames(graphOf(nameless))).toEqual(["words.weight"]);
    const used = model("a: f\nx -> same(a.w)", "block f() { input x: [.., D]; w: linear(D) -> relu }");
    expect(opsOf(graphOf(used))).toEqual(["linear", "relu", "linear"]);
  });

  test("a label in a block is none of another block's, nor found without the block's own", () => {
    const tables = "block tables() { input ids: i32[B, T]; words: embedding(7, 4) }";
    const bare = `model m { input ids: i32[B, T]; a: tables; unembed(words); output y }\n${tables}`;
    expect(messages(bare)).toContain("error[E503]: there is no layer labelled `words` above");
    const beside = `model m { input ids: i32[B, T]; a: tables; b: head; output y }
      ${tables}\nblock head() { input x: [.., D]; unembed(a.words) }`;
    expect(messages(beside)).toContain("error[E503]: there is no layer labelled `a.words` above");
  });

  test("`repeat … shared` runs one copy of its layers, whose names lack the number", () => {
    const text = model(
      "linear(8)\nrepeat 3 shared { a: f; linear(8) }\nlinear(8)",
      "block f() { input x: [.., D]; w: linear(D) }",
    );
    const graph = graphOf(text);
    expect(parameterNames(graph)).toEqual([
      "linear.weight",
      "linear.bias",
      "a.w.weight",
      "a.w.bias",
      "linear_1.weight",
      "linear_1.bias",
      "linear_2.weight",
      "linear_2.bias",
    ]);
    expect(opsOf(graph)).toEqual(Array.from({ length: 8 }, () => "linear"));
  });

  test("shared repeats nest in repeats that are not", () => {
    const text = model("repeat 2 as h { repeat 2 shared { a: linear(8, bias: false) } }");
    const graph = graphOf(text);
    expect(parameterNames(graph)).toEqual(["h.0.a.weight", "h.1.a.weight"]);
    const weights = graph.nodes.map((node) => (node.op === "linear" ? node.operands.weight.hint : ""));
    expect(weights).toHaveLength(4);
    expect(graph.nodes.map((node) => node.op === "linear" && node.operands.weight)).toEqual(
      [0, 0, 1, 1].map((index) => graph.parameters[index]!.value),
    );
  });

  test("a layer that is reached by `same` in a repeat names its own place, not another's", () => {
    const text = model("a: linear(8)\nrepeat 2 as h { same(a) -> b: linear(8, bias: false) }");
    expect(parameterNames(graphOf(text))).toEqual(["a.weight", "a.bias", "h.0.b.weight", "h.1.b.weight"]);
  });
});
