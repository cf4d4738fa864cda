import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { showSharding } from "../../src/cli/edges.ts";
import { planSharding } from "../../src/sharding/plan.ts";
import { graphOf } from "../lower/support.ts";

const small = { depth: "2" };

/** What `lmg edges --shard` says of an example, whatever lines its edges stand on. */
const shown = (name: string, devices: number, settings: Readonly<Record<string, string>> = small): string =>
  `\n${showSharding(planSharding(graphOf(readFileSync(`examples/${name}.lmg`, "utf8"), { settings })), devices).replaceAll(/^line \d+/gm, "line N")}`;

test("Llama: attention by heads, the feed-forward by its hidden columns", () => {
  expect(shown("llama", 8)).toMatchInlineSnapshot(`
    "
    line N  model.layers.* edge 0 (× 2)
        norm    model.layers.*.input_layernorm
        columns model.layers.*.self_attn.q_proj, model.layers.*.self_attn.k_proj, model.layers.*.self_attn.v_proj
        rows    model.layers.*.self_attn.o_proj
    line N  model.layers.* edge 1 (× 2)
        norm    model.layers.*.post_attention_layernorm
        columns model.layers.*.mlp.gate_proj, model.layers.*.mlp.up_proj
        rows    model.layers.*.mlp.down_proj
    4 residual edges, 4 shared out among 8 devices
    "
  `);
});

test("sizes that do not divide are named", () => {
  expect(shown("llama", 3)).toMatchInlineSnapshot(`
    "
    line N  model.layers.* edge 0 (× 2)
        norm    model.layers.*.input_layernorm
        columns model.layers.*.self_attn.q_proj, model.layers.*.self_attn.k_proj, model.layers.*.self_attn.v_proj
        rows    model.layers.*.self_attn.o_proj
        does not divide by 3: 4096 columns of q_proj, 4096 columns of k_proj, 4096 columns of v_proj, 32 heads, 32 key heads
    line N  model.layers.* edge 1 (× 2)
        norm    model.layers.*.post_attention_layernorm
        columns model.layers.*.mlp.gate_proj, model.layers.*.mlp.up_proj
        rows    model.layers.*.mlp.down_proj
        does not divide by 3: 11008 columns of gate_proj, 11008 columns of up_proj
    4 residual edges, 0 shared out among 3 devices
    "
  `);
});

test("GPT-2: one weight of q, k and v stays whole, positions have no product", () => {
  expect(shown("gpt2", 4)).toMatchInlineSnapshot(`
    "
    line N  edge 0
        whole on each device: no product reads the stream
    line N  h.* edge 0 (× 2)
        whole on each device: slice of h.*.attn: it takes a part of columns that lie on several devices
    line N  h.* edge 1 (× 2)
        norm    h.*.ln_2
        columns h.*.mlp.c_fc
        rows    h.*.mlp.c_proj
    5 residual edges, 2 shared out among 4 devices
    "
  `);
});

test.each(["bert", "cohere", "gemma2", "gptj", "granite", "neox", "olmo2", "qwen3"])("%s", (name) => {
  expect(shown(name, 4)).toMatchSnapshot();
});

test("a U-net, whose edges carry what has no branch", () => {
  expect(shown("unet", 2, { half: "2" })).toMatchSnapshot();
});
