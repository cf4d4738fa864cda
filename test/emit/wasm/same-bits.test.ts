import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { Trainer, type StepReport } from "../../../src/train/trainer.ts";
import { webassemblyEngine } from "../../../src/train/webassembly-engine.ts";
import { classifier, trainingOf } from "../../train/small.ts";
import { rounded } from "../compare.ts";
import { instantiate } from "./instantiate.ts";

/** Sizes that are no multiples of a tile, with a share for each thread. */
const models: Readonly<
  Record<string, { readonly settings: Record<string, string>; readonly sizes: Record<string, number> }>
> = {
  digits: { settings: {}, sizes: { B: 13 } },
  llama: {
    settings: { vocab: "61", dim: "40", hidden: "52", depth: "2", heads: "4", kv_heads: "2" },
    sizes: { B: 3, T: 67 },
  },
  gemma2: {
    settings: { vocab: "61", dim: "40", hidden: "52", depth: "2", heads: "4", kv_heads: "2", head_dim: "12" },
    sizes: { B: 2, T: 35 },
  },
  gpt2: { settings: { vocab: "61", dim: "36", depth: "2", heads: "3", ctx: "80" }, sizes: { B: 1, T: 79 } },
};

test.each(Object.entries(models))(
  "%s has the same bits in 1, 2, 3 and 4 threads",
  async (name, { settings, sizes }) => {
    const source = { name: `${name}.lmg`, text: readFileSync(`examples/${name}.lmg`, "utf8") };
    const { graph, plan, diagnostics } = compile(source, { settings, target: wasmTarget });
    expect(diagnostics.map(({ message }) => message)).toEqual([]);
    const { createModel } = await instantiate(plan!);
    const parameters = rounded(randomParameters(graph!, 1));
    const inputs = rounded(randomInputs(graph!, sizes, 2));
    const bitsIn = async (threads: number): Promise<string> => {
      const model = await createModel(parameters, { threads });
      const found = await model.run(inputs);
      model.close();
      return Object.values(found)
        .map(({ data }) => new Int32Array(Float32Array.from(data).buffer).join())
        .join("\n");
    };
    const alone = await bitsIn(1);
    expect(alone.length).toBeGreaterThan(100);
    // Compared as a whole: a list of all that differs helps nobody.
    for (const threads of [2, 3, 4]) expect((await bitsIn(threads)) === alone).toBe(true);
  },
);

test("a training goes on with the same bits in another number of threads", async () => {
  const training = trainingOf(classifier, { accumulate: 2 });
  const advance = async (trainer: Trainer, count: number): Promise<StepReport[]> => {
    const reports: StepReport[] = [];
    for (let step = 0; step < count; step++) reports.push(await trainer.advance());
    return reports;
  };
  const whole = await Trainer.open(training, webassemblyEngine(1));
  const expected = await advance(whole, 8);
  let trainer = await Trainer.open(training, webassemblyEngine(2));
  const found = await advance(trainer, 2);
  for (const threads of [4, 1, 3]) {
    const snapshot = await trainer.snapshot();
    trainer.close();
    trainer = await Trainer.open(training, webassemblyEngine(threads), snapshot);
    found.push(...(await advance(trainer, 2)));
  }
  expect(found).toEqual(expected);
  expect(await trainer.snapshot()).toEqual(await whole.snapshot());
  for (const each of [whole, trainer]) each.close();
});
