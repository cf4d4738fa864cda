import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { exampleSource, transformersOf } from "../python/emitted.ts";
import type { LowerOptions } from "../../src/lower/lower.ts";
import type { Source } from "../../src/support/source.ts";

/** The modeling file and the config of a text that is not refused. */
function written(source: Source, options: LowerOptions = {}) {
  const made = transformersOf(source, options);
  if ("reason" in made) throw new Error(`${made.reason}: ${made.detail}`);
  const [modeling, config] = made.map(({ text }) => text) as [string, string];
  return { modeling, config: JSON.parse(config) as Record<string, unknown> };
}

/** What became of it, in a few words. */
function outcome(source: Source, options: LowerOptions = {}): string {
  const made = transformersOf(source, options);
  if ("reason" in made) return `${made.reason}: ${made.detail}`;
  const { auto_map: map } = JSON.parse(made[1]!.text) as { auto_map: Record<string, string> };
  return Object.keys(map).at(-1)!;
}

const small = { vocab: 75, dim: 32, heads: 4, depth: 3 };

describe("code for transformers", () => {
  test("numbers the layers of the cache, and hands down what attention is given", () => {
    const { modeling } = written(exampleSource("chars"), { settings: small });
    const forward = modeling.slice(
      modeling.indexOf("        self.h = "),
      modeling.indexOf("        self.post_init"),
    );
    expect(forward).toContain("self.h = nn.ModuleList(H(config, i) for i in range(3))");
    expect(modeling).toContain(`
        self.attend = StackAttention(
            config, layer_idx, groups=1, scaling=0.35355339059327373
        )
`);
    expect(modeling).toContain(`
        attended = self.attend(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), **kwargs
        )[0].transpose(1, 2)
`);
    expect(modeling).toContain("wpe = self.wpe(position_ids)");
    expect(modeling).toContain('_tied_weights_keys: ClassVar[dict] = {"lm_head.weight": "model.wte.weight"}');
  });

  test("has the plan of the residual edges, but for an edge whose weights are stored [in, out]", () => {
    const planOf = (name: string): string => {
      const { modeling } = written(exampleSource(name), { settings: { ...small, hidden: 48, kv_heads: 2 } });
      return modeling
        .slice(modeling.indexOf("base_model_tp_plan"), modeling.indexOf("vocab_size: int"))
        .trim();
    };
    expect(planOf("llama")).toMatchInlineSnapshot(`
      "base_model_tp_plan: ClassVar[dict] = {
              "layers.*.self_attn.q_proj": "colwise",
              "layers.*.self_attn.k_proj": "colwise",
              "layers.*.self_attn.v_proj": "colwise",
              "layers.*.self_attn.o_proj": "rowwise",
              "layers.*.mlp.gate_proj": "colwise",
              "layers.*.mlp.up_proj": "colwise",
              "layers.*.mlp.down_proj": "rowwise",
          }"
    `);
    const gpt2 = written(exampleSource("gpt2"), { settings: small }).modeling;
    expect(gpt2).toContain("base_model_tp_plan: ClassVar[dict] = {}");
  });

  test("says its sizes in the config, and windows by layers", () => {
    const { config, modeling } = written(exampleSource("gemma2"), {
      settings: { ...small, hidden: 48, kv_heads: 2, head_dim: 8, window: 4 },
    });
    expect(config).toMatchObject({
      num_hidden_layers: 3,
      num_key_value_heads: 2,
      sliding_window: 4,
      layer_types: ["sliding_attention", "full_attention", "sliding_attention"],
      tie_word_embeddings: true,
    });
    expect(modeling).toContain(`
            ModelLayer(config, i, window=4)
            if i % 2 == 0
`);
    // Scores are squeezed, which torch's own attention cannot.
    expect(modeling).toContain("_supports_sdpa = False");
  });

  test("keeps dropout of attention in the config", () => {
    const { config } = written(exampleSource("gpt2"), { settings: { ...small, attn_drop: 0.2 } });
    expect(config).toMatchObject({ attention_dropout: 0.2, architectures: ["Gpt2ForCausalLM"] });
  });

  test("every example is written, or refused with its reason", () => {
    const files = readdirSync("examples").filter((file) => file.endsWith(".lmg"));
    const rows = files.map((file) => [file, outcome(exampleSource(file.replace(".lmg", "")))]);
    expect(Object.fromEntries(rows)).toMatchInlineSnapshot(`
      {
        "bert.lmg": "AutoModelForPreTraining",
        "chars.lmg": "AutoModelForCausalLM",
        "cohere.lmg": "AutoModelForCausalLM",
        "deepnorm.lmg": "stack: a model without one input of tokens [B, T]",
        "depth.lmg": "AutoModelForCausalLM",
        "digits.lmg": "stack: a model without one input of tokens [B, T]",
        "digits_plain.lmg": "stack: a model without one input of tokens [B, T]",
        "gemma2.lmg": "AutoModelForCausalLM",
        "gpt2.lmg": "AutoModelForCausalLM",
        "gptj.lmg": "AutoModelForCausalLM",
        "granite.lmg": "AutoModelForCausalLM",
        "layerscale.lmg": "stack: a model without one input of tokens [B, T]",
        "llama.lmg": "AutoModelForCausalLM",
        "neox.lmg": "AutoModelForCausalLM",
        "norm_tanh.lmg": "stack: a model without one input of tokens [B, T]",
        "olmo2.lmg": "AutoModelForCausalLM",
        "placement.lmg": "AutoModelForCausalLM",
        "qwen3.lmg": "AutoModelForCausalLM",
        "residual_dense.lmg": "stack: a model without one input of tokens [B, T]",
        "rezero.lmg": "stack: a model without one input of tokens [B, T]",
        "unet.lmg": "AutoModelForCausalLM",
      }
    `);
  });

  test.each(["pre", "post", "out", "sandwich", "none"])("the placement %s is written", (placement) => {
    expect(outcome(exampleSource("placement"), { settings: { placement } })).toBe("AutoModelForCausalLM");
  });
});

describe("a model that transformers has no form for is refused with its reason", () => {
  const reasonOf = (body: string): string =>
    outcome({
      name: "m.lmg",
      text: `model m {\n  input tokens: i32[B, T]\n  wte: embedding(23, 8)\n  ${body}\n  unembed(wte)\n  output y\n}\n`,
    });

  test.each([
    ["residual { attn: attention(2) }", "AutoModelForCausalLM"],
    ["residual { attn: attention(2, causal: false) }", "AutoModelForMaskedLM"],
    ["residual { attn: attention(2, alibi: true) }", "attribute: attention with a bias of its scores"],
    ["residual { attn: attention(2) }\n  residual { cumsum(axis: 1) }", "cache: cumsum over positions"],
    ["attn: attention(2)", "stack: a model without residual edges"],
    ["residual { fc: linear(8) }", "stack: a model without attention"],
  ])("%s", (body, reason) => {
    expect(reasonOf(body)).toBe(reason);
  });
});
