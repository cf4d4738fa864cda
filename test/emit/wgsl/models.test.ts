import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { parse } from "../../../src/language/parse.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { executionDevice, validationDevice } from "../../webgpu/device.ts";
import { instantiate } from "./module.ts";
import { largest } from "./near.ts";

const device = await executionDevice();
const validator = await validationDevice(["shader-f16", "subgroups"]);

const folder = new URL("../../../examples/", import.meta.url);
const read = (name: string) => ({ name, text: readFileSync(new URL(name, folder), "utf8") });

/** Sizes at which a model runs in milliseconds; those that it has no parameter for do not count. */
const small: Readonly<Record<string, number>> = {
  dim: 16,
  depth: 2,
  heads: 2,
  kv_heads: 1,
  head_dim: 8,
  rotary: 4,
  hidden: 12,
  vocab: 11,
  ctx: 16,
};

/** A run-time dim each: few rows, which have kernels of their own, and more. */
const runs = [
  { B: 1, T: 2 },
  { B: 2, T: 5 },
] as const;

/**
 * Relative to the largest element of an output: sums and results are float32, each with an error of up to 6e-8, e^x and
 * tanh within the few units in the last place that WGSL allows, and norms can make a small spread large.
 */
const TOLERANCE = 5e-5;

const models = readdirSync(folder)
  .filter((name) => name.endsWith(".lmg"))
  .flatMap((name) =>
    parse(read(name))
      .file.definitions.filter(({ kind }) => kind === "model")
      .map((definition) => ({ path: name, model: definition.name.text, definition })),
  );

function compiled({ path, model, definition }: (typeof models)[number]) {
  const known = definition.parameters.map(({ name }) => name.text).filter((name) => name in small);
  const settings = Object.fromEntries(known.map((name) => [name, small[name]!]));
  const { graph, plan } = compile(read(path), { model, settings });
  return { graph: graph!, plan: plan! };
}

const rounded = (tensors: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data instanceof Float64Array ? tensor.data.map(Math.fround) : tensor.data },
    ]),
  );

describe("the shaders of every example are valid", () => {
  test.each(models)("$path $model", async (each) => {
    const { graph, plan } = compiled(each);
    const parameters = randomParameters(graph, 1);
    for (const options of [{}, { f16: true }, { f16: true, subgroups: true }]) {
      const module = await instantiate(plan, options);
      // Creation and a run report every error of shaders, pipelines, bindings and calls; nothing is executed here.
      const model = await module.createModel(validator, parameters);
      const outputs = await model.run(randomInputs(graph, { B: 2, T: 5 }, 2));
      expect(Object.keys(outputs)).toEqual(graph.outputs.map(({ name }) => name));
      model.destroy();
    }
  });
});

describe.skipIf(device === undefined)("every example computes what the interpreter computes", () => {
  test.each(models)("$path $model", async (each) => {
    const { graph, plan } = compiled(each);
    const parameters = rounded(randomParameters(graph, 1));
    const model = await (await instantiate(plan)).createModel(device!, parameters);
    for (const sizes of runs) {
      const inputs = rounded(randomInputs(graph, sizes, 2));
      const expected = interpret(graph, { inputs, parameters });
      const found = await model.run(inputs);
      for (const [name, { data, shape }] of Object.entries(expected)) {
        expect(found[name]!.shape).toEqual(shape);
        expect(largest(found[name]!.data, data)).toBeLessThanOrEqual(TOLERANCE);
      }
    }
    model.destroy();
  });
});
