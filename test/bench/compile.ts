// Compile time and memory of GPT-2 shapes of growing depth, and of each stage: `npx tsx test/bench/compile.ts`.
// Interleaved rounds, medians, after a warm-up; processor time is what a busy machine does not change. The last column is
// processor time divided by that of half the depth: 2.0 is linear, less is a fixed part.
import { readFileSync } from "node:fs";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { compile } from "../../src/compile.ts";

const depths = [12, 24, 48, 96, 192];
const rounds = 7;
const source = { name: "gpt2.lmg", text: readFileSync("examples/gpt2.lmg", "utf8") };

/** Milliseconds and bytes that one compilation takes, emission included. */
function measure(depth: number): { time: number; cpu: number; heap: number; nodes: number; steps: number } {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  const { graph, plan } = compile(source, { settings: { depth } });
  const files = emitTypeScript(plan!).files;
  const time = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuStart);
  const heap = process.memoryUsage().heapUsed - before;
  return {
    time,
    cpu: (user + system) / 1000,
    heap: files.length > 0 ? heap : 0,
    nodes: graph!.nodes.length,
    steps: plan!.steps.length,
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

measure(12);
const runs = new Map(depths.map((depth) => [depth, [] as ReturnType<typeof measure>[]]));
for (let round = 0; round < rounds; round++)
  for (const depth of depths) runs.get(depth)!.push(measure(depth));

console.log("layers  nodes  steps    wall ms   cpu ms  heap MB  against half");
let last: number | undefined;
for (const [depth, all] of runs) {
  const time = median(all.map((run) => run.time));
  const heap = median(all.map((run) => run.heap)) / 2 ** 20;
  const cpu = median(all.map((run) => run.cpu));
  const ratio = last === undefined ? "" : (cpu / last).toFixed(2);
  const { nodes, steps } = all[0]!;
  console.log(
    [depth, nodes, steps].map((value) => String(value).padStart(6)).join(" ") +
      time.toFixed(0).padStart(11) +
      cpu.toFixed(0).padStart(9) +
      heap.toFixed(1).padStart(9) +
      ratio.padStart(14),
  );
  last = cpu;
}
