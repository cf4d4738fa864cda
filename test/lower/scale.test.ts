import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { graphOf, messages, modelOf } from "./support.ts";
import { leastProcessorTime } from "../support/processor-time.ts";

const gpt = (depth: number): string => `model gpt(depth = ${depth}, dim = 16) {
  input tokens: i32[B, T]
  wte: embedding(9, dim)
  repeat depth as h {
    residual pre ln_1: layernorm { attn: attention(4) }
    residual pre ln_2: layernorm { mlp: ffn(4 * dim) }
  }
  ln_f: layernorm
  unembed(wte)
  output logits
}`;

describe("deep models", () => {
  test("what a model may take is enough for a Llama of 1,000 layers; the deepest that is published has 126", () => {
    const llama = readFileSync(new URL("../../examples/llama.lmg", import.meta.url), "utf8");
    const { graph } = modelOf(llama, { settings: { depth: "1000" } });
    expect(graph.nodes.length).toBeGreaterThan(20_000);
  });

  test("a model of 10,000 nodes is no deeper a recursion than a small one", () => {
    expect(graphOf("model m { input x: f32[B]; repeat 10000 { relu }; output y }").nodes).toHaveLength(
      10_000,
    );
    expect(
      graphOf("model m { input x: f32[B]; parallel { repeat 5000 { relu } }; stream; output y }").nodes,
    ).toHaveLength(9_999);
  });

  test("blocks that call one another twice each end with a mistake, not with the machine's memory", () => {
    const blocks = Array.from(
      { length: 40 },
      (_, i) => `block b${i} { input x: [B]; b${i + 1} -> b${i + 1}; output y }`,
    );
    const text = `model m { input x: f32[B]; b0; output y }
${blocks.join("\n")}
block b40 { input x: [B]; output y }`;
    expect(messages(text)).toContain(
      "error[E513]: the blocks of a model are called at most 40,000 times together",
    );
  });

  test("time grows with the number of layers, not with its square", () => {
    const run = (depth: number) => () => modelOf(gpt(depth));
    run(48)();
    const ratio = leastProcessorTime(run(192)) / leastProcessorTime(run(24));
    // Eight times the layers; a quadratic walk would take 64 times as long. The slack is for collected garbage.
    expect(ratio).toBeLessThan(24);
  });
});
