/*
 * npx tsx test/bench/recurrent.ts [ts|wasm]: models whose mixers are recurrences, over texts of 128 to 4,096 positions: the
 * processor time of a forward pass and of a training step on one thread, which other work of the machine disturbs little, and the
 * memory that their plans ask for, both by position. What grows with the square of the length would double with it.
 */
import { optimizerOf, stepScalars } from "../../src/autodiff/train/optimizer.ts";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import { targets } from "../../src/emit/targets.ts";
import { importModule, type EmittedTensors } from "../../src/emit/emitted.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { initialTensors } from "../../src/ir/initialize.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { planGraph } from "../../src/plan/build.ts";
import { recurrentModels, runBytes } from "./recurrent-models.ts";

const LENGTHS = [128, 512, 1024, 4096];

interface Running {
  readonly run: (inputs: EmittedTensors) => unknown;
  readonly close?: () => void;
}

interface RunningModule {
  readonly createModel: (weights: EmittedTensors, options: object) => Running | Promise<Running>;
}

const name = process.argv[2] === "ts" ? "ts" : "wasm";
const row = targets[name];
const emit = await row.load();

/** Milliseconds of the best of a few runs, and megabytes of the plan, at each length. */
async function measured(graph: Graph, state: EmittedTensors, scalars: EmittedTensors): Promise<string[]> {
  const plan = planGraph(graph, { target: row.target({}) });
  const [file] = emit(plan, { types: false, switches: {} });
  const model = await (await importModule<RunningModule>(file!.text)).createModel(state, { threads: 1 });
  const cells: string[] = [];
  for (const T of LENGTHS) {
    const inputs: EmittedTensors = {
      ...scalars,
      ...Object.fromEntries(
        plan.inputs
          .filter(({ type }) => type.shape.length > 0)
          .map((input) => [
            input.name,
            { data: Int32Array.from({ length: T }, (_, at) => (at * 7) % 23), shape: [1, T] },
          ]),
      ),
    };
    let best = Infinity;
    for (let turn = 0; turn < 3; turn++) {
      const before = process.cpuUsage();
      await model.run(inputs);
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, (user + system) / 1000);
    }
    const bytes = runBytes(plan, row.target({}), T);
    cells.push(`${((1000 * best) / T).toFixed(1)} µs, ${(bytes / T / 1000).toFixed(1)} kB`);
  }
  model.close?.();
  return cells;
}

console.log(`${name}, one thread, by position; texts of ${LENGTHS.join(", ")} positions`);
for (const [model, text] of Object.entries(recurrentModels)) {
  const { file } = parse({ name: `${model}.lmg`, text });
  const { train, graph } = lower(file, { training: true }).model!;
  const optimizer = optimizerOf(train!.optimizer!);
  const { update } = trainingStep(train!.graph, { optimizer, clip: train!.clip });
  const scalars = Object.fromEntries(
    Object.entries(stepScalars(optimizer, 1e-3, 1)).map(([key, value]) => [
      key,
      { data: [value], shape: [] },
    ]),
  );
  const weights = Object.fromEntries(
    Object.entries(initialTensors(update.states, 1)).filter(([key]) =>
      graph.parameters.some((parameter) => parameter.name === key),
    ),
  );
  console.log(`${model}, forward: ${(await measured(runPasses(graph), weights, {})).join("; ")}`);
  const state = initialTensors(update.states, 1);
  console.log(`${model}, training: ${(await measured(runPasses(update), state, scalars)).join("; ")}`);
}
