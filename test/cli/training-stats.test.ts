import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { inFolder, lmg, mistake, output, put } from "./harness.ts";

const model = (mark: string, section = "optimizer adamw(lr: 1e-3); batch 4"): string => `
model tiny(vocab = 11, dim = 8, depth = 3) {
  input tokens: i32[B, T]
  wte: embedding(vocab, dim)
  repeat depth ${mark} as h {
    residual pre ln: layernorm { fc1: linear(4 * dim) -> gelu -> fc2: linear(dim) }
  }
  unembed(wte)
  output logits: f32[B, T, vocab]
  train { target next: i32[B, T]; loss (logits, next) -> cross_entropy; ${section} }
}
`;

inFolder({
  "plain.lmg": model(""),
  "marked.lmg": model("checkpoint"),
  "flat.lmg": model("").replace(/repeat depth\s+as h \{([^]*?)\n {2}\}/, "$1"),
  "endless.lmg": model("", "batch 4"),
  "untrained.lmg": "model m { input x: f32[B, 4]; fc: linear(4); output y }\n",
});

test("`stats --train` says what a step takes with and without checkpoints, for the batch of the model", async () => {
  const text = await output("stats", "marked.lmg", "--train", "--dims", "T=16");
  // What the plan itself decides moves with each fusion that is found.
  const planned = /^(arena|peak memory|steps of the plan)(.*)$/gm;
  expect(text.replace(planned, (_, name: string, rest: string) => name + rest.replaceAll(/[\d.]/g, "#")))
    .toMatchInlineSnapshot(`
    "A training step with B=4, T=16; the model checkpoints \`h\`

                         all kept  with checkpoint
    parameters            7.17 kB          7.17 kB
    state of adamw        14.3 kB          14.3 kB
    gradients             7.17 kB          7.17 kB
    activations kept      66.3 kB          29.4 kB
    arena                 #### kB          #### kB
    peak memory           #### kB          #### kB
    forward             296 kFLOP        296 kFLOP
    made again             0 FLOP        119 kFLOP
    backward            592 kFLOP        592 kFLOP
    update             30.3 kFLOP       30.3 kFLOP
    steps of the plan         ###              ###
    "
  `);
});

test("`stats --train` of a model that marks no repeat says what it would be to mark one", async () => {
  const [plain, marked] = await Promise.all(
    ["plain.lmg", "marked.lmg"].map((file) => output("stats", file, "--train", "--dims", "B=2,T=16")),
  );
  const [[first, ...table], [other, ...same]] = [plain!.split("\n"), marked!.split("\n")];
  expect(table).toEqual(same);
  expect([first, other]).toMatchInlineSnapshot(`
    [
      "A training step with B=2, T=16; the model checkpoints nothing, it could write \`repeat … checkpoint\` at \`h\`",
      "A training step with B=2, T=16; the model checkpoints \`h\`",
    ]
  `);
});

test("`stats --train` of a model without repeats has one column, and JSON has the same numbers", async () => {
  const text = await output("stats", "flat.lmg", "--train");
  expect(text).toContain("with B=4, T=128; the model has no repeat that could be checkpointed");
  expect(text).not.toContain("made again");
  const parsed = JSON.parse(await output("stats", "plain.lmg", "--train", "--json")) as {
    dims: object;
    checkpoint: object;
    kept: { parameters: number; flops: { recompute: number } };
    recomputed: { flops: { recompute: number } };
  };
  expect(parsed.dims).toEqual({ B: 4, T: 128 });
  expect(parsed.checkpoint).toEqual({ marked: false, repeats: ["h"] });
  expect(parsed.kept.parameters).toBe(4 * (11 * 8 + 3 * (2 * 8 + 2 * 8 * 32 + 32 + 8)));
  expect([parsed.kept, parsed.recomputed].map(({ flops }) => flops.recompute > 0)).toEqual([false, true]);
});

test("`stats --train` proposes no checkpoint inside a block of the library, which has no line to mark", async () => {
  put(
    "mixed.lmg",
    `model mixed(depth = 2) {
  input x: f32[B, 4, 4]
  x -> sinkhorn(rounds: 3)
  fc: linear(4)
  output y: f32[B, 4, 4]
  train { target z: f32[B, 4, 4]; loss (y, z) -> mean_squared_error; optimizer sgd(lr: 0.1); batch 2 }
}
`,
  );
  const alone = await output("stats", "mixed.lmg", "--train");
  expect(alone).toContain("; the model has no repeat that could be checkpointed\n");
  expect(alone).not.toContain("with checkpoint");
  put(
    "mixed.lmg",
    readFileSync("mixed.lmg", "utf8").replace(
      "fc: linear(4)",
      "repeat depth as h { fc: linear(4); sinkhorn }",
    ),
  );
  expect(await output("stats", "mixed.lmg", "--train")).toContain(
    "it could write `repeat … checkpoint` at `h`\n",
  );
});

test("`stats --train` needs to know what to train, and how", async () => {
  expect(await mistake("stats", "untrained.lmg", "--train")).toContain("has no `train` section");
  expect(await mistake("stats", "endless.lmg", "--train")).toContain("has no optimizer");
  expect((await lmg("stats", "plain.lmg", "--train", "--dims", "Q=1")).code).toBe(1);
});
