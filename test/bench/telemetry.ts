/**
 * What telemetry costs a training step: `npx tsx test/bench/telemetry.ts [--model examples/depth.lmg] [--depth 8] [--data TEXT]`.
 * Three trainings of one model from the same weights on the same batches, in WebAssembly with one thread: without telemetry, observed
 * at each step, and at each tenth. They go on in turns, so that whatever else the machine does meets all alike; times are those of the processor,
 * and ratios are to the training without, of the same round. A row of telemetry is made and watched as `lmg train` does it; that it is written
 * to a file is not in. Throws where a loss is not equal to the bit. Beside the times stand the bytes that the kernels of a step read and
 * write, those that are one loop each tensor once, which do not depend on the machine.
 */
import { parseArgs } from "node:util";
import { trainingEngines } from "../../src/train/engines.ts";
import { trainingProgram, type TrainingProgram } from "../../src/train/program.ts";
import { settingsOf, stepOptionsOf } from "../../src/train/settings.ts";
import { Detector, telemetryOf } from "../../src/train/telemetry.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { targets } from "../../src/emit/targets.ts";
import { stagesOf } from "../../src/emit/wasm/lists.ts";
import { wasmTarget } from "../../src/emit/wasm/target.ts";
import { layoutOf } from "../../src/plan/layout.ts";
import { planOfPart } from "../../src/plan/plan.ts";
import { trafficOf } from "../../src/plan/traffic.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { showTable } from "../../src/cli/table.ts";
import { clock } from "./clocks.ts";
import { wholeNumber } from "./options.ts";
import { ratiosTo, spreadOf, type Spread } from "./statistics.ts";
import { lowered, opened } from "./train/task.ts";
import { languageModel } from "./train/workloads.ts";

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "examples/depth.lmg" },
    depth: { type: "string", default: "8" },
    data: { type: "string" },
    rounds: { type: "string", default: "30" },
    steps: { type: "string", default: "20" },
  },
});
const [depth, rounds, steps] = (["depth", "rounds", "steps"] as const).map((name) =>
  wholeNumber(name, options),
) as [number, number, number];

/** Rounds in which the engine compiles its kernels; they are not counted. */
const WARM_UP = 2;

const text = languageModel(options.data);
const workload = { ...text, path: options.model, settings: { vocab: text.settings["vocab"]!, depth } };
const model = lowered(workload);
const batches = opened(workload, model);
const settings = orThrow(settingsOf(model.train, batches, { steps: (rounds + WARM_UP) * steps }));
const makeEngine = await trainingEngines.wasm({ threads: 1 });

/** A training that goes on for some steps when told to. */
interface Run {
  readonly name: string;
  readonly about: string;
  readonly go: () => Promise<number>;
  /** Of a step, in milliseconds of the processor, by round. */
  readonly cpu: number[];
  readonly close: () => void;
}

/** Stages of a part, and the megabytes that they read and write on a batch. */
function costOf({ plan: program, ...parts }: TrainingProgram, name: "update" | "observe"): string {
  const { graph, plan: part } = parts[name]!;
  const first = batches.at(0);
  const sizes = new Map(
    graph.inputs.flatMap(({ name, value }) =>
      value.type.shape.map((size, axis) => [size.key, first[name]?.shape[axis] ?? 1] as const),
    ),
  );
  const plan = planOfPart(program, part);
  const stages = stagesOf(plan);
  const traffic = trafficOf(stages, plan, sizes, layoutOf(plan, wasmTarget));
  const bytes = traffic.flatMap(({ accesses }) => accesses).reduce((sum, access) => sum + access.bytes, 0);
  return `${stages.length} kernels, ${(bytes / 1e6).toFixed(1)} MB`;
}

async function open(name: string, observeEvery?: number): Promise<Run> {
  const { program } = trainingProgram(
    model,
    { ...stepOptionsOf(settings), observe: observeEvery !== undefined },
    { target: targets.wasm.target({}) },
  );
  if (program === undefined) throw new Error(`${options.model} cannot be trained`);
  const trainer = await Trainer.open({ program, settings, batches, observeEvery }, makeEngine);
  const telemetry = telemetryOf(program);
  const detector = telemetry && new Detector(telemetry.columns);
  return {
    name,
    about: telemetry
      ? `${costOf(program, "observe")}, ${telemetry.columns.length} numbers a row`
      : costOf(program, "update"),
    async go() {
      let loss = NaN;
      for (let step = 0; step < steps; step++) {
        const report = await trainer.advance();
        loss = report.measures["loss"]!;
        if (report.observed !== undefined) detector!.add(report.step, telemetry!.row(report.observed));
      }
      return loss;
    },
    cpu: [],
    close: () => trainer.close(),
  };
}

const runs = [await open("without"), await open("each step", 1), await open("each tenth step", 10)];
for (let round = 0; round < rounds + WARM_UP; round++) {
  const losses = new Set<number>();
  for (let turn = 0; turn < runs.length; turn++) {
    const run = runs[(turn + round) % runs.length]!;
    const start = clock();
    losses.add(await run.go());
    if (round >= WARM_UP) run.cpu.push((clock() - start) / steps);
  }
  if (losses.size !== 1) throw new Error(`telemetry moves the loss: ${[...losses].join(", ")}`);
}
for (const run of runs) run.close();

const ms = ({ min, median, max }: Spread): string[] => [min, median, max].map((time) => time.toFixed(2));
const ratio = ({ min, median, max }: Spread): string[] => [min, median, max].map((value) => value.toFixed(3));
console.log(
  `${options.model}, depth ${depth}, ${batches.description}; WebAssembly, 1 thread, ${rounds} interleaved rounds of ${steps} steps; Node ${process.version}\n`,
);
console.log(
  showTable(
    ["telemetry", "ms a step, min", "median", "max", "ratio, min", "median", "max", ""],
    runs.map(({ name, cpu, about }) => [
      name,
      ...ms(spreadOf(cpu)),
      ...ratio(spreadOf(ratiosTo(cpu, runs[0]!.cpu))),
      about,
    ]),
    [1, 2, 3, 4, 5, 6],
  ),
);
