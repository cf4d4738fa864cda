// Time of one training step on the TypeScript plan, one thread: `npx tsx test/bench/step.ts [digits|chars] [steps]`.
// For each model: the whole step against the speed of plain blocked loops, what the plan itself costs, and a table of
// kernels from a second module with a clock around every step. Times are those of
// the processor, and the best of all steps, as other work on the machine only adds.
import { readFileSync } from "node:fs";
import { optimizerOf, stepScalars } from "../../src/autodiff/train/optimizer.ts";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import { clock, open, withClocks, type Clocked } from "./clocks.ts";
import { stepComment } from "../../src/emit/module/comments.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { initialTensors } from "../../src/ir/initialize.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { layoutOf } from "../../src/plan/layout.ts";
import { stepStats, type Sizes } from "../../src/plan/stats.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { sizeOf } from "../../src/tensor/host.ts";

/** GFLOP/s that the largest products alone reach on one core (test/bench/gemm.ts): what a whole step could at best. */
const CEILING = 8.5;

interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

interface Module {
  readonly createModel: (
    weights: object,
    options: object,
  ) => { readonly run: (inputs: object) => Record<string, Tensor> };
}

interface Case {
  readonly about: string;
  readonly text: string;
  readonly sizes: Sizes;
  readonly warmup: number;
  readonly steps: number;
  /** Numbers below which whole inputs and targets are drawn. */
  readonly below: number;
}

const cases: Readonly<Record<string, Case>> = {
  digits: {
    about: "classifier 784-256-256-10, batch norm, batch 32, Adam",
    text: readFileSync("examples/digits.lmg", "utf8"),
    sizes: new Map([["B", 32]]),
    warmup: 100,
    steps: 300,
    below: 10,
  },
  chars: {
    about: "language model: 4 layers, 4 heads, width 128, context 64, batch 12, AdamW, clip 1",
    text: readFileSync("examples/chars.lmg", "utf8"),
    sizes: new Map([
      ["B", 12],
      ["T", 64],
    ]),
    warmup: 4,
    steps: 12,
    below: 65,
  },
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const best = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);

/** The training step of an example, planned; its parameters at the start, its moments zero. */
function stepOf(name: string, { text }: Case) {
  const { file } = parse({ name: `${name}.lmg`, text });
  const train = lower(file, { training: true }).model!.train!;
  const optimizer = optimizerOf(train.optimizer!);
  const { update } = trainingStep(train.graph, { optimizer, clip: train.clip });
  return { plan: planGraph(runPasses(update)), optimizer, state: initialTensors(update.states, 1) };
}

/** Random data for every input of the step but the scalars of the optimizer. */
function dataOf(plan: Plan, { sizes, below }: Case): Record<string, Tensor> {
  const random = new RandomStream(1, "data");
  return Object.fromEntries(
    plan.inputs
      .filter(({ name }) => !name.startsWith("optimizer."))
      .map(({ name, type }) => {
        const shape = type.shape.map((size) => sizes.get(size.key) ?? Number(size.key));
        const draw = (): number => (type.dtype === "f32" ? random.uniform() : random.below(below));
        return [name, { shape, data: Float32Array.from({ length: sizeOf(shape) }, draw) }];
      }),
  );
}

interface Row {
  readonly kernel: string;
  calls: number;
  milliseconds: number;
  flops: number;
  bytes: number;
}

/** Time, operations and bytes of a step of training, by kernel and what it is for. */
function kernelTable(text: string, plan: Plan, sizes: Sizes, times: Float64Array): Row[] {
  const rows = new Map<string, Row>();
  let at = text.indexOf("function run(");
  plan.steps.forEach((step, index) => {
    at = text.indexOf(`    ${stepComment(step)}\n`, at) + 4;
    const kernel = /\n    (\w+)\(/.exec(text.slice(at))![1]!;
    const row = rows.get(kernel) ?? { kernel, calls: 0, milliseconds: 0, flops: 0, bytes: 0 };
    const { flops, bytesRead, bytesWritten } = stepStats(step, sizes, layoutOf(plan));
    row.calls++;
    row.milliseconds += times[index]!;
    row.flops += flops;
    row.bytes += bytesRead + bytesWritten;
    rows.set(kernel, row);
  });
  return [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

async function bench(name: string, given: Case): Promise<void> {
  const { plan, optimizer, state } = stepOf(name, given);
  const data = dataOf(plan, given);
  const text = emitTypeScript(plan, { types: false }).files[0]!.text;
  const inputsAt = (step: number): Record<string, Tensor> => {
    const scalars = Object.entries(stepScalars(optimizer, 1e-3, step));
    return {
      ...data,
      ...Object.fromEntries(scalars.map(([key, value]) => [key, { data: [value], shape: [] }])),
    };
  };
  const train = (
    module: Module,
    each?: () => void,
  ): { readonly best: number; readonly median: number; readonly loss: number } => {
    const model = module.createModel(state, {});
    const times: number[] = [];
    let loss = 0;
    for (let step = 0; step < given.warmup + given.steps; step++) {
      const inputs = inputsAt(step);
      const start = clock();
      loss = model.run(inputs)["loss"]!.data[0]!;
      times.push(clock() - start);
      each?.();
    }
    const counted = times.slice(given.warmup);
    return { best: best(counted), median: median(counted), loss };
  };
  const whole = train(await open<Module>(text));
  const clocked = await open<Module & Clocked>(withClocks(text, plan));
  const times = new Float64Array(plan.steps.length).fill(Infinity);
  const measured = train(clocked, () =>
    clocked.stepTimes.forEach((time, index) => (times[index] = Math.min(times[index]!, time))),
  );
  const empty = train(await open<Module>(withoutKernels(text, plan)));
  const rows = kernelTable(text, plan, given.sizes, times);
  const flops = rows.reduce((sum, row) => sum + row.flops, 0);
  const speed = flops / whole.best / 1e6;
  console.log(`${name}: ${given.about}`);
  console.log(
    `  ${whole.best.toFixed(2)} ms a step (median ${whole.median.toFixed(2)}), ${(flops / 1e6).toFixed(1)} MFLOP, ${speed.toFixed(2)} GFLOP/s, ` +
      `${((100 * speed) / CEILING).toFixed(0)} % of ${CEILING}; loss ${whole.loss.toFixed(4)} at the end`,
  );
  console.log(
    `  ${plan.steps.length} steps; the plan itself ${empty.best.toFixed(3)} ms, ` +
      `${((100 * empty.best) / whole.best).toFixed(2)} %; with clocks ${measured.best.toFixed(2)} ms`,
  );
  console.log(
    "\n  kernel                              calls       ms      %   MFLOP   GFLOP/s      MB    GB/s",
  );
  const total = rows.reduce((sum, row) => sum + row.milliseconds, 0);
  for (const { kernel, calls, milliseconds, flops: own, bytes } of rows) {
    const cells = [
      String(calls).padStart(6),
      milliseconds.toFixed(3).padStart(9),
      ((100 * milliseconds) / total).toFixed(1).padStart(7),
      (own / 1e6).toFixed(2).padStart(8),
      (own / milliseconds / 1e6).toFixed(2).padStart(10),
      (bytes / 1e6).toFixed(2).padStart(8),
      (bytes / milliseconds / 1e6).toFixed(2).padStart(8),
    ];
    console.log(`  ${kernel.padEnd(35)}${cells.join("")}`);
  }
  console.log("");
}

/** The module with nothing in its kernels: what is left is names, sizes, copies of inputs, and calls. */
function withoutKernels(text: string, plan: Plan): string {
  const kernels = new Set<string>();
  let at = text.indexOf("function run(");
  for (const step of plan.steps) {
    at = text.indexOf(`    ${stepComment(step)}\n`, at) + 4;
    kernels.add(/\n    (\w+)\(/.exec(text.slice(at))![1]!);
  }
  return [...kernels].reduce(
    (left, kernel) =>
      left.replace(
        new RegExp(`\nfunction ${kernel}\\(([^)]*)\\) \\{\n[^]*?\n\\}\n`),
        `\nfunction ${kernel}($1) {}\n`,
      ),
    text,
  );
}

const wanted = process.argv.slice(2);
for (const [name, each] of Object.entries(cases))
  if (wanted.length === 0 || wanted.includes(name)) await bench(name, each);
