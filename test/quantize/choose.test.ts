import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { chooseParameters, type Choice } from "../../src/quantize/choose.ts";
import { packingOf } from "../../src/quantize/packing.ts";
import type { Graph } from "../../src/ir/graph.ts";

function graphOf(text: string): Graph {
  const { model, diagnostics } = compile({ name: "choose.lmg", text });
  expect(diagnostics.filter(({ code }) => code.startsWith("E"))).toEqual([]);
  return model!.graph;
}

const language = `model language(dim = 64, vocab = 96, ctx = 32) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  residual { positions -> wpe: embedding(ctx, dim) }
  residual pre ln: layernorm { up: linear(4 * dim) -> gelu
      -> down: linear(dim) }
  odd: linear(40)
  back: linear(dim)
  norm: layernorm
  head: linear(vocab)
  output logits
}`;

const choose = (text: string): Choice => chooseParameters(graphOf(text));

describe("of a language model", () => {
  const { chosen, kept } = choose(language);

  test("matrices of linears, tables and heads are chosen, each for what it is", () => {
    expect(Object.fromEntries([...chosen].map(([name, { role }]) => [name, role]))).toMatchInlineSnapshot(`
      {
        "down.weight": "linear",
        "head.weight": "head",
        "odd.weight": "linear",
        "up.weight": "linear",
        "wte.weight": "embedding",
      }
    `);
  });

  test("everything else is kept, with its reason", () => {
    expect(Object.fromEntries(kept)).toMatchInlineSnapshot(`
      {
        "back.bias": "no_matrix",
        "back.weight": "rows",
        "down.bias": "no_matrix",
        "head.bias": "no_matrix",
        "ln.bias": "no_matrix",
        "ln.weight": "no_matrix",
        "norm.bias": "no_matrix",
        "norm.weight": "no_matrix",
        "odd.bias": "no_matrix",
        "up.bias": "no_matrix",
        "wpe.weight": "positions",
      }
    `);
  });

  test("int4 leaves the table and the head in 8 bits", () => {
    const { packing } = packingOf(graphOf(language), { scheme: "int4" });
    expect(Object.fromEntries([...packing.parameters].map(([name, { form }]) => [name, form.bits])))
      .toMatchInlineSnapshot(`
      {
        "down.weight": 4,
        "head.weight": 8,
        "odd.weight": 4,
        "up.weight": 4,
        "wte.weight": 8,
      }
    `);
  });

  test("nothing is packed where nothing is asked for and nothing is stored so", () => {
    expect(packingOf(graphOf(language), {}).packing.parameters.size).toBe(0);
  });

  test("experts are chosen, whole or one by one; their router, their biases and odd rows are kept", () => {
    const { chosen, kept } = choose(`model experts(dim = 64) {
      input x: f32[B, T, dim]
      residual { one: moe(4, 2, 32) }
      residual { all: moe(4, 2, 32, names: ["both", "down"], layout: in_out, bias: true) }
      residual { odd: moe(4, 2, 36) }
      output y
    }`);
    expect(
      Object.fromEntries(
        [...chosen].map(([name, { role, isTransposed }]) => [name, `${role} ${isTransposed}`]),
      ),
    ).toMatchInlineSnapshot(`
      {
        "all.both": "experts true",
        "all.down": "experts true",
        "one.experts.*.w1.weight": "experts false",
        "one.experts.*.w2.weight": "experts false",
        "one.experts.*.w3.weight": "experts false",
      }
    `);
    expect(Object.fromEntries([...kept].filter(([, why]) => why !== "no_matrix"))).toMatchInlineSnapshot(`
      {
        "all.both_bias": "expert_bias",
        "all.down_bias": "expert_bias",
        "all.gate.weight": "router",
        "odd.experts.*.w1.weight": "expert_rows",
        "odd.experts.*.w2.weight": "rows",
        "odd.experts.*.w3.weight": "expert_rows",
        "odd.gate.weight": "router",
        "one.gate.weight": "router",
      }
    `);
  });

  test("what is stored in codes stays so, unless none is asked for, or fewer bits", () => {
    const form = { bits: 8, block: 16, hasMinimums: true } as const;
    const stored = new Map([["up.weight", { form, isTransposed: false }]]);
    const of = (scheme?: "int8" | "int4" | "none") =>
      packingOf(graphOf(language), { scheme, stored }).packing.parameters.get("up.weight")?.form;
    expect(of()).toEqual(form);
    expect(of("int8")).toEqual(form);
    expect(of("int4")?.bits).toBe(4);
    expect(of("none")).toBeUndefined();
  });
});
