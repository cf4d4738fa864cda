import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { interpreterEngine } from "../../src/run/interpreter-engine.ts";
import { openEngine } from "../../src/run/engines.ts";
import { matchWeights } from "../../src/run/weights.ts";
import { printGraph } from "../../src/ir/print.ts";
import { cpuTargets } from "../emit/cpu.ts";
import { compileFamily, expectGolden, goldenTensors, tolerances } from "./support.ts";

/**
 * Tiny random checkpoints that Hugging Face transformers wrote, and what it computes from them in float64
 * (`test/golden/README.md`). Every file in `examples/` loads its family's by the published names, with no mapping; those
 * with an underscore have in their configs what published ones rarely have.
 */
const checkpoints: Readonly<Record<string, readonly string[]>> = {
  bert: ["bert", "bert_relu", "bert_untied"],
  gpt2: ["gpt2", "gpt2_inverse", "gpt2_unscaled", "gpt2_unscaled_inverse"],
  gptj: ["gptj", "gptj_inner", "gptj_tied"],
  neox: ["neox", "neox_sequential", "neox_yarn"],
  llama: [
    "llama",
    "llama3",
    "llama_biases",
    "llama_yarn",
    "llama_dynamic",
    "llama_longrope",
    "mistral_window",
    "mistral_yarn",
  ],
  qwen3: ["qwen3", "qwen3_windows", "qwen3_kinds", "qwen3_yarn"],
  olmo2: ["olmo2", "olmo2_biases", "olmo2_tied"],
  gemma2: ["gemma2", "gemma2_uncapped", "gemma2_kinds"],
  cohere: ["cohere", "cohere_qk_norm", "cohere_untied"],
  granite: ["granite", "granite_biases", "granite_yarn"],
};

const cases = Object.entries(checkpoints).flatMap(([example, names]) =>
  names.map((name) => [name, example] as const),
);

describe.each(cases)("the checkpoint of %s in examples/%s.lmg", (name, example) => {
  const folder = `test/golden/hf/${name}`;
  const golden = goldenTensors(folder);
  const config = `${folder}/config.json`;
  const weightsOf = ({ graph, notNeeded }: ReturnType<typeof compileFamily>["model"]) =>
    orThrow(matchWeights(graph, orThrow(openCheckpoint(folder)), { notNeeded }));

  test("gives transformers' logits in the interpreter, before and after the passes", async () => {
    const { model, graph } = compileFamily(example, config);
    const weights = weightsOf(model);
    await expectGolden(orThrow(interpreterEngine(model.graph, weights)), golden, tolerances.interpreter);
    await expectGolden(orThrow(interpreterEngine(graph, weights)), golden, tolerances.interpreter);
  });

  test.each(cpuTargets.flatMap((cpu) => [true, false].map((fuse) => ({ ...cpu, fuse }))))(
    "gives transformers' logits from the module in $name, fused $fuse",
    async ({ engine, target, fuse }) => {
      const { model, plan } = compileFamily(example, config, { fuse, target });
      const opened = orThrow(await openEngine(engine, plan, weightsOf(model), { threads: 1 }));
      await expectGolden(opened, golden, tolerances.plan);
      opened.close();
    },
  );

  test("is the same model by its config in the spelling of published files", () => {
    const graphOf = (file: string) => printGraph(compileFamily(example, `${folder}/${file}`).model.graph);
    expect(graphOf("config.v4.json")).toBe(graphOf("config.json"));
  });
});
