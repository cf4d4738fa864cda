import { parseArgs } from "node:util";
import { printGraph } from "../../src/ir/print.ts";
import { planOfPart, type Plan } from "../../src/plan/plan.ts";
import { executionDevice } from "../webgpu/device.ts";
import {
  check,
  checkStates,
  expectationsOf,
  typeScriptStateTolerance,
  typeScriptTolerance,
  float32StateTolerance,
  webgpuTolerance,
  type Tolerance,
} from "./compare.ts";
import { randomStates, randomTraining } from "./states.ts";
import { Coverage } from "./coverage.ts";
import {
  forms,
  typeScriptEngine,
  typeScriptStates,
  webassemblyEngine,
  webassemblyStates,
  webgpuEngine,
  webgpuStates,
  type Engine,
  type StateEngine,
} from "./engines.ts";
import { randomCase } from "./generate.ts";
import { shrink } from "./shrink.ts";

const help = `npx tsx test/differential/main.ts [--graphs 20000] [--wasm 10000] [--wgsl 300] [--states 2000] [--wasm-states 1000] [--wgsl-states 40] [--seed 0]

Runs random graphs, none of whose values is observed but its outputs, by the float64 interpreter and by the emitted modules
of each target, fused and not; then graphs with states and training steps, with what evaluates after them. Prints each graph that differs, made as small as it can be, and ends with 1 if there is one.
The same seed gives the same graphs.`;

const { values: options } = parseArgs({
  options: {
    graphs: { type: "string", default: "20000" },
    wasm: { type: "string", default: "10000" },
    wgsl: { type: "string", default: "300" },
    states: { type: "string", default: "2000" },
    "wasm-states": { type: "string", default: "1000" },
    "wgsl-states": { type: "string", default: "40" },
    seed: { type: "string", default: "0" },
    help: { type: "boolean", default: false },
  },
});

interface Target {
  readonly name: string;
  readonly count: number;
  readonly engine: Engine;
  readonly tolerance: Tolerance;
}

const PROGRESS_SECONDS = 60;

async function runTarget({ name, count, engine, tolerance }: Target, first: number): Promise<number> {
  const coverage = new Coverage();
  const start = performance.now();
  let [failures, compared, passedOver, said] = [0, 0, 0, start];
  for (let seed = first; seed < first + count; seed++) {
    const given = randomCase(seed);
    const expected = expectationsOf(given);
    coverage.graph(given.graph);
    // Fused always; of the two other forms one in turn.
    for (const form of [forms[seed % 2]!, "fused"] as const) {
      const observe = (plan: Plan): void => coverage.plan(plan);
      const outcome = await check(given, form, engine, tolerance, { expected, observe });
      compared += outcome.compared;
      passedOver += outcome.passedOver;
      if (outcome.problem === undefined) continue;
      failures++;
      console.log(`${name}, seed ${seed}, ${form}: ${outcome.problem}`);
      const fails = async (smaller: typeof given): Promise<boolean> => {
        try {
          return (await check(smaller, form, engine, tolerance)).problem !== undefined;
        } catch {
          return false;
        }
      };
      const smallest = await shrink(given, fails);
      console.log((await check(smallest, form, engine, tolerance)).problem);
      console.log(printGraph(smallest.graph, { annotations: false }));
    }
    if (performance.now() - said < 1000 * PROGRESS_SECONDS) continue;
    said = performance.now();
    console.log(
      `${name}: ${seed - first + 1} of ${count} graphs, ${failures} differ, ${((said - start) / 1000).toFixed(0)} s`,
    );
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    `${name}: ${count} graphs in two forms, ${compared} outputs compared, ${passedOver} passed over as rounding moves them; ` +
      `${failures} differ; ${seconds} s`,
  );
  for (const line of coverage.lines()) console.log(`  ${line}`);
  return failures;
}

interface StateTarget {
  readonly name: string;
  readonly count: number;
  readonly engine: StateEngine;
  readonly tolerance: Tolerance;
}

/** Graphs with states and training steps, in turn. */
async function runStates({ name, count, engine, tolerance }: StateTarget, first: number): Promise<number> {
  const coverage = new Coverage();
  const start = performance.now();
  let [ran, failures, compared, passedOver] = [0, 0, 0, 0];
  for (let seed = first; ran < count; seed++) {
    const given = seed % 2 === 0 ? randomStates(seed) : randomTraining(seed);
    if (given === undefined) continue;
    ran++;
    for (const part of given.plan.parts) coverage.plan(planOfPart(given.plan, part));
    const outcome = await checkStates(given, engine, tolerance);
    compared += outcome.compared;
    passedOver += outcome.passedOver;
    if (outcome.problem === undefined) continue;
    failures++;
    console.log(`${name}, states, seed ${seed}: ${outcome.problem}`);
    for (const graph of Object.values(given.program.parts))
      console.log(printGraph(graph, { annotations: false }));
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    `${name}: ${count} graphs with states and training steps, ${compared} outputs and states compared, ${passedOver} passed over; ` +
      `${failures} differ; ${seconds} s`,
  );
  for (const line of coverage.lines(true)) console.log(`  ${line}`);
  return failures;
}

if (options.help) console.log(help);
else {
  const first = Number(options.seed);
  const [graphs, wasm, wgsl] = [Number(options.graphs), Number(options.wasm), Number(options.wgsl)];
  const [states, wasmStates] = [Number(options.states), Number(options["wasm-states"])];
  const wgslStates = Number(options["wgsl-states"]);
  const device = wgsl + wgslStates > 0 ? await executionDevice() : undefined;
  const cpus = [
    {
      name: "TypeScript",
      engine: typeScriptEngine,
      states: typeScriptStates,
      counts: [graphs, states],
      ofStates: typeScriptStateTolerance,
    },
    {
      name: "WebAssembly",
      engine: webassemblyEngine,
      states: webassemblyStates,
      counts: [wasm, wasmStates],
      ofStates: float32StateTolerance,
    },
  ] as const;
  let failures = 0;
  for (const { name, engine, states, counts, ofStates } of cpus) {
    const [count, stateCount] = counts;
    if (count > 0)
      failures += await runTarget({ name, engine, tolerance: typeScriptTolerance, count }, first);
    if (stateCount > 0)
      failures += await runStates({ name, count: stateCount, engine: states, tolerance: ofStates }, first);
  }
  if (device !== undefined && wgsl > 0) {
    const engine = webgpuEngine(device);
    failures += await runTarget({ name: "WGSL", count: wgsl, engine, tolerance: webgpuTolerance }, first);
  }
  if (device !== undefined && wgslStates > 0) {
    const engine = webgpuStates(device);
    failures += await runStates(
      { name: "WGSL", count: wgslStates, engine, tolerance: float32StateTolerance },
      first,
    );
  }
  // Dawn keeps the process alive.
  process.exit(failures === 0 ? 0 : 1);
}
