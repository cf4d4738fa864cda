import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { trainingStep } from "../../../src/autodiff/train/step.ts";
import type { WgslOptions } from "../../../src/emit/wgsl/emit.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { initialTensors, randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { makeNode } from "../../../src/ir/node.ts";
import { parse } from "../../../src/language/parse.ts";
import { lower } from "../../../src/lower/lower.ts";
import { isFloat } from "../../../src/tensor/dtype.ts";
import { hostTensor, sizeOf } from "../../../src/tensor/host.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import { runPasses } from "../../../src/passes/pipeline.ts";
import { planGraph } from "../../../src/plan/build.ts";
import type { Batches } from "../../../src/train/data/batches.ts";
import type { PartName } from "../../../src/train/program.ts";
import { interpreterEngine } from "../../../src/train/interpreter-engine.ts";
import { Trainer, type StepReport, type Training } from "../../../src/train/trainer.ts";
import { typescriptEngine } from "../../../src/train/typescript-engine.ts";
import { webgpuEngine } from "../../../src/train/webgpu-engine.ts";
import { torchOptimizer, trainingGraph } from "../../autodiff/classifier.ts";
import { classifier, trainingOf } from "../../train/small.ts";
import { accumulateCases, smallBatches, trainingOn } from "../../train/accumulated.ts";
import { executionDevice, validationDevice } from "../../webgpu/device.ts";
import { instantiate as instantiateTypeScript } from "../instantiate.ts";
import { i32, f32, graphOf, B } from "./graphs.ts";
import { instantiate } from "./module.ts";

const device = await executionDevice();
const validator = await validationDevice(["shader-f16", "subgroups"]);

/** What language models have: a tied table, attention with rotary positions and grouped heads, dropout, two norms. */
const languageModel = `
model small(dim = 16, heads = 2) {
  input tokens: i32[B, T]
  wte: embedding(11, dim)
  dropout(0.1)
  repeat 2 as h[i] {
    residual pre ln_1: rmsnorm { attn: attention(heads, kv_heads: 1, causal: true, rope: rope) -> dropout(0.1) }
    residual pre ln_2: layernorm { mlp: ffn(4 * dim, act: gelu) }
  }
  ln_f: layernorm
  unembed(wte)
  output logits: f32[B, T, 11]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy(smoothing: 0.1)
    metric (logits, next) -> accuracy
    optimizer adamw(lr: 1e-3, decay: 0.1)
    clip 1.0
    steps 20
    seed 7
  }
}
`;

function tokenBatches(): Batches {
  const batchOf = (name: string) => {
    const random = new RandomStream(1, name);
    const draw = () =>
      hostTensor(
        "i32",
        [2, 9],
        Array.from({ length: 18 }, () => random.below(11)),
      );
    return { tokens: draw(), next: draw() };
  };
  return {
    description: "tokens",
    perEpoch: 5,
    validationBatches: 1,
    unit: "tokens",
    size: 18,
    at: (index) => batchOf(`batch ${index}`),
    *validation() {
      yield { tensors: batchOf("validation"), weight: 1 };
    },
  };
}

const trainings: readonly (readonly [string, Training])[] = [
  ["a classifier with a batch norm, three micro-steps", trainingOf(classifier, { accumulate: 3 })],
  ["a language model", trainingOf(languageModel, {}, tokenBatches())],
  [
    "losses of two counts, three unequal micro-steps",
    trainingOn(new Map(accumulateCases).get("two_counts")!, smallBatches, webgpuEngine(device!))[0],
  ],
];

async function advance(trainer: Trainer, count: number): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (let step = 0; step < count; step++) reports.push(await trainer.advance());
  return reports;
}

/** Software adapters take long to compile a hundred pipelines where other work runs beside. */
const COMPILE_MS = 120_000;

/**
 * Float32 against float64, as for emitted TypeScript, with the error of WGSL's exp and tanh (some units in the last
 * place) besides; Adam follows the sign of gradients that are near zero.
 */
const TOLERANCE = 2e-5;

describe.skipIf(device === undefined).each(trainings)("on a device, %s", (_, training) => {
  let trainer: Trainer;
  beforeAll(async () => {
    trainer = await Trainer.open(training, webgpuEngine(device!));
  }, COMPILE_MS);

  test("twenty steps follow the interpreter, and so does the evaluation", async () => {
    const oracle = await Trainer.open(training, interpreterEngine);
    const [found, expected] = [await advance(trainer, 20), await advance(oracle, 20)];
    for (const [step, { measures, gradientNorm }] of expected.entries()) {
      const here = found[step]!;
      expect(Math.abs(here.measures["loss"]! - measures["loss"]!), `loss ${step}`).toBeLessThan(TOLERANCE);
      expect(Math.abs(here.gradientNorm - gradientNorm), `norm ${step}`).toBeLessThan(10 * TOLERANCE);
    }
    const [one, other] = [await trainer.evaluate(), await oracle.evaluate()];
    expect(Math.abs(one!["loss"]! - other!["loss"]!)).toBeLessThan(TOLERANCE);
  });

  test("the state is read, put back, and gone on from with the same bits", async () => {
    const before = await trainer.snapshot();
    expect(Object.keys(before.state).sort()).toEqual(training.program.states.map(({ name }) => name).sort());
    const expected = await advance(trainer, 3);
    const after = await trainer.snapshot();
    expect(after.state).not.toEqual(before.state);
    await trainer.restore(before);
    expect(await trainer.snapshot()).toEqual(before);
    expect(await advance(trainer, 3)).toEqual(expected);
    expect(await trainer.snapshot()).toEqual(after);
  });

  test("the state goes over to the CPU and back", async () => {
    const here = await Trainer.open(training, typescriptEngine, await trainer.snapshot());
    await advance(here, 2);
    await trainer.restore(await here.snapshot());
    expect(await trainer.snapshot()).toEqual(await here.snapshot());
  });
});

describe("a training's module", () => {
  const [, { program }] = trainings[0]!;
  const state = Object.fromEntries(
    program.states.map(({ name, value }) => {
      const shape = value.type.shape.map(({ key }) => Number(key));
      return [name, { shape, data: new Float32Array(sizeOf(shape)) }];
    }),
  );

  test("refuses state that it does not keep or of another shape, and writes nothing of it", async () => {
    const module = await instantiate<PartName>(program.plan);
    const model = await module.createModel(validator, state);
    const wrong = {
      "fc0.wieght": state["fc0.weight"]!,
      "fc2.bias": { shape: [4], data: new Float32Array(4) },
    };
    await expect(model.writeState(wrong)).rejects.toThrow(
      new module.WeightsError([
        "surplus: fc0.wieght, which the model does not keep",
        "wrong shape: fc2.bias is [4], the model has [3]",
      ]),
    );
    model.destroy();
  });

  test("keeps state in 32 bits where floats are halves", async () => {
    const module = await instantiate<PartName>(program.plan, { f16: true });
    const model = await module.createModel(validator, state);
    const { data } = (await model.readState())["fc0.weight"]!;
    // All of its memory, as it was read back.
    expect((data as Float32Array).buffer.byteLength).toBe(4 * 6 * 8);
    model.destroy();
  });
});

test.skipIf(device === undefined)(
  "dropout drops what the TypeScript target drops, for any seed",
  async () => {
    const graph = graphOf("dropout", { x: f32(B), key: i32(2) }, { rate: 0.3, stream: 3 });
    const plan = planGraph(graph);
    const onDevice = await (await instantiate(plan)).createModel(device!, {});
    const onCpu = (await instantiateTypeScript(plan)).createModel({});
    const x = { shape: [1000], data: new Float32Array(1000).fill(1) };
    for (const key of [
      [0, 0],
      [-1, 1],
      [2 ** 31 - 1, -(2 ** 31)],
      [123456789, 987654321],
    ]) {
      const inputs = { x, key: { shape: [2], data: Int32Array.from(key) } };
      const [out, wanted] = [(await onDevice.run(inputs))["out0"]!, onCpu.run(inputs)["out0"]!];
      const kept = (data: ArrayLike<number>) => Array.from(data, (element) => element !== 0);
      expect(kept(out.data)).toEqual(kept(wanted.data));
      expect(kept(out.data).filter((is) => is).length).toBeGreaterThan(600);
    }
    onDevice.destroy();
  },
);

/** Sizes at which shaders are made in milliseconds; those that a model has no parameter for do not count. */
const tiny: Readonly<Record<string, number>> = {
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

const folder = new URL("../../../examples/", import.meta.url);
const models = readdirSync(folder)
  .filter((name) => name.endsWith(".lmg"))
  .flatMap((name) => {
    const { file } = parse({ name, text: readFileSync(new URL(name, folder), "utf8") });
    return file.definitions
      .filter(({ kind }) => kind === "model")
      .map((definition) => ({ path: name, file, model: definition.name.text, definition }));
  });

/** The graph of a model's own loss, or of a loss that reaches every output. */
function lossOf({ file, model, definition }: (typeof models)[number]): Graph {
  const known = definition.parameters.map(({ name }) => name.text).filter((name) => name in tiny);
  const settings = Object.fromEntries(known.map((name) => [name, tiny[name]!]));
  const lowered = lower(file, { model, settings, training: true }).model!;
  if (lowered.train !== undefined) return lowered.train.graph;
  const { graph } = lowered;
  const { value } = graph.outputs.find((output) => isFloat(output.value.type.dtype))!;
  const node = makeNode("mean_squared_error", { x: value, y: value }, {}) as Graph["nodes"][number];
  const outputs = [{ name: "loss", value: node.results[0]!, span: undefined }];
  return { ...graph, nodes: [...graph.nodes, node], outputs };
}

describe("the shaders of every optimizer's step are valid", () => {
  test.each(["sgd", "adam", "adamw", "lion", "muon"])("%s", async (name) => {
    const graph = trainingGraph(classifier);
    const optimizer = torchOptimizer(name, { momentum: 0.9, weight_decay: 0.1 });
    const { update, accumulate } = trainingStep(graph, { optimizer, clip: 1, accumulate: 2, decay: "all" });
    for (const step of [update, accumulate!]) expect(await runValid(step, {})).toContain("loss");
  });
});

/** Plans a step, runs it on the device that validates, and gives the names of its outputs. */
async function runValid(step: Graph, options: WgslOptions): Promise<string[]> {
  const graph = runPasses(step);
  const module = await instantiate(planGraph(graph), options);
  const weights = { ...initialTensors(graph.states, 2), ...randomParameters(graph, 1) };
  // Creation and a run report every error of shaders, pipelines, bindings and calls; nothing is executed here.
  const model = await module.createModel(validator, weights);
  const outputs = await model.run(randomInputs(graph, { B: 2, T: 5 }, 2));
  model.destroy();
  return Object.keys(outputs);
}

describe("the shaders of a training step of every example are valid", () => {
  test.each(models)("$path $model", async (each) => {
    const { update } = trainingStep(lossOf(each), { optimizer: torchOptimizer("adamw", {}), clip: 1 });
    for (const options of [{}, { f16: "arithmetic" as const, subgroups: true }])
      expect(await runValid(update, options)).toContain("loss");
  });
});
