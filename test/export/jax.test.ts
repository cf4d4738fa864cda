import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { exampleSource, jaxOf } from "../python/emitted.ts";
import type { LowerOptions } from "../../src/lower/lower.ts";
import type { Source } from "../../src/support/source.ts";

const small = { vocab: 75, dim: 32, heads: 4, depth: 3 };

function textOf(source: Source, options: LowerOptions = {}): string {
  const made = jaxOf(source, options);
  if ("reason" in made) throw new Error(`${made.reason}: ${made.detail}`);
  return made[0]!.text;
}

describe("a model for JAX", () => {
  test("scans over stacked layers, and says how parameters are spread over a mesh", () => {
    const text = textOf(exampleSource("llama"), { settings: { ...small, hidden: 48, kv_heads: 2 } });
    expect(text.replace(/\s+/g, " ")).toContain(
      '(model_layer_layer(x, each, B, T, rope), None), embed_tokens, under(params, "model.layers"), )',
    );
    expect(text.slice(text.indexOf("DEPTH = "), text.indexOf("# Every parameter")).trim())
      .toMatchInlineSnapshot(`
      "DEPTH = {"model.layers": 3}

      # Over which axes of a mesh each axis of a parameter is spread, that of the layers aside.
      AXES = {
          "model.embed_tokens.weight": ("tensor", "data"),
          "model.layers.*.input_layernorm.weight": (None,),
          "model.layers.*.self_attn.q_proj.weight": ("tensor", "data"),
          "model.layers.*.self_attn.k_proj.weight": ("tensor", "data"),
          "model.layers.*.self_attn.v_proj.weight": ("tensor", "data"),
          "model.layers.*.self_attn.o_proj.weight": ("data", "tensor"),
          "model.layers.*.post_attention_layernorm.weight": (None,),
          "model.layers.*.mlp.gate_proj.weight": ("tensor", "data"),
          "model.layers.*.mlp.up_proj.weight": ("tensor", "data"),
          "model.layers.*.mlp.down_proj.weight": ("data", "tensor"),
          "model.norm.weight": (None,),
          "lm_head.weight": ("data", None),
      }"
    `);
  });

  test("has as many lines however deep it is", () => {
    const deep = (depth: number): number =>
      textOf(exampleSource("chars"), { settings: { ...small, depth } }).split("\n").length;
    expect(deep(12)).toBe(deep(2));
  });

  test("calls layers that alternate one after the other, by their own names", () => {
    const text = textOf(exampleSource("gemma2"), {
      settings: { ...small, depth: 4, hidden: 48, kv_heads: 2, head_dim: 8, window: 4 },
    });
    expect(text).toContain("DEPTH = {}");
    expect(text.match(/= model_layer_layer_[01]\(/g)).toHaveLength(4);
  });

  test("every example is written, or refused with its reason", () => {
    const outcomes = readdirSync("examples")
      .filter((file) => file.endsWith(".lmg"))
      .flatMap((file) => {
        const made = jaxOf(exampleSource(file.replace(".lmg", "")));
        return "reason" in made ? [`${file} ${made.reason}: ${made.detail}`] : [];
      });
    expect(outcomes).toEqual(["digits.lmg op: a batch norm that takes the batch's statistics"]);
  });

  test.each(["pre", "post", "out", "sandwich", "none"])("the placement %s is written", (placement) => {
    expect(textOf(exampleSource("placement"), { settings: { placement } })).toContain(
      "def make_step(optimizer)",
    );
  });

  test("an optimizer that optax has otherwise is refused", () => {
    const text =
      "model m {\n  input x: f32[B, 8]\n  fc: linear(8)\n  output y\n" +
      "  train {\n    target z: f32[B, 8]\n    loss (y, z) -> mean_squared_error\n    optimizer muon(lr: 0.1)\n  }\n}\n";
    expect(jaxOf({ name: "m.lmg", text })).toMatchObject({ reason: "optimizer" });
  });
});
