/**
 * The same training step in lmg, PyTorch, Keras on TensorFlow and TensorFlow.js: time per step as ratios, and the losses
 * step by step. How to install the peers is in README.md; what is not there is left out with a word.
 *
 *     npx tsx test/bench/train/run.ts [--model digits|lm] [--threads N] [--rounds N] [--steps N] [--only NAME,…]
 *       [--data TEXT] [--python PATH] [--keras-python PATH]
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { wholeNumber } from "../options.ts";
import { reportLosses, reportTimes, WARM_UP, type Run } from "./report.ts";
import { Runner, type RunnerKind } from "./runner.ts";
import { writeTask } from "./task.ts";
import { digits, languageModel } from "./workloads.ts";

const here = import.meta.dirname;
const python = join(here, ".venv/bin/python");
const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "digits" },
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "20" },
    steps: { type: "string", default: "10" },
    data: { type: "string" },
    only: { type: "string", default: "" },
    python: { type: "string", default: python },
    "keras-python": { type: "string", default: python },
  },
});
const [threads, rounds, steps] = (["threads", "rounds", "steps"] as const).map((name) =>
  wholeNumber(name, options),
) as [number, number, number];
if (!["digits", "lm"].includes(options.model)) throw new Error("--model is digits or lm");
const workload = options.model === "lm" ? languageModel(options.data) : digits();
if (rounds <= WARM_UP) throw new Error(`--rounds is above the ${WARM_UP} rounds of warming up`);
const folder = await writeTask(workload, threads, rounds * steps);

const script = (file: string): string => join(here, "runners", file);
const node = (name: string, file: string, ...args: readonly string[]): RunnerKind => ({
  name,
  command: process.execPath,
  args: [script(file), folder, ...args],
});
const torch = (name: string, variant: string, judge = false): RunnerKind => ({
  name,
  command: options.python,
  args: [script("torch_runner.py"), folder, variant],
  judge,
});
const keras = (name: string, variant: string): RunnerKind => ({
  name,
  command: options["keras-python"],
  args: [script("keras_runner.py"), folder, variant],
});

const kinds: readonly RunnerKind[] = [
  node("lmg, WebAssembly", "lmg.js", "wasm"),
  node("lmg, TypeScript", "lmg.js", "ts"),
  torch("PyTorch, eager", "eager"),
  torch("PyTorch, torch.compile", "compile"),
  torch("PyTorch in float64", "float64", true),
  ...(workload.model === "digits"
    ? [
        keras("Keras, train_on_batch (XLA)", "batch"),
        keras("Keras, train_on_batch without XLA", "batch-plain"),
        keras("TensorFlow, tf.function", "step"),
        keras("TensorFlow, tf.function with XLA", "step-xla"),
        node("tfjs, JavaScript", "tfjs.js", "cpu"),
        node("tfjs, WebAssembly", "tfjs.js", "wasm"),
        node("tfjs-node", "tfjs.js", "tensorflow"),
      ]
    : []),
];

/** A runner that has begun, or undefined with a word about what is missing. */
async function open(kind: RunnerKind): Promise<Run | undefined> {
  const runner = new Runner(kind, threads);
  try {
    if (kind.command.includes("/") && !existsSync(kind.command)) throw new Error(`no ${kind.command}`);
    return { kind, runner, version: await runner.version(), ms: [], cpu: [], losses: [] };
  } catch (error) {
    console.log(`left out: ${kind.name}: ${(error as Error).message}`);
    runner.close();
    return undefined;
  }
}

const wanted = options.only.split(",").filter((word) => word !== "");
const runs: Run[] = [];
for (const kind of kinds) {
  if (wanted.length > 0 && !wanted.some((word) => kind.name.includes(word))) continue;
  const run = await open(kind);
  if (run !== undefined) runs.push(run);
}
try {
  // Who begins a round changes from round to round: what else the machine does meets all alike.
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < runs.length; turn++) {
      const { runner, ms, cpu, losses } = runs[(turn + round) % runs.length]!;
      const answer = await runner.run(round * steps, steps);
      ms.push(answer.ms);
      cpu.push(answer.cpu);
      losses.push(...answer.losses);
    }
} finally {
  for (const { runner } of runs) runner.close();
  rmSync(folder, { recursive: true });
}

console.log(
  `\n${workload.about}; ${threads} thread${threads === 1 ? "" : "s"}, ${rounds} interleaved rounds of ${steps} steps`,
);
console.log(`${[...new Set(runs.map(({ version }) => version))].join("; ")}; Node ${process.version}\n`);
console.log(reportTimes(runs));
console.log(reportLosses(runs));
