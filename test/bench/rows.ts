// Kernels of rows as WebAssembly, with one thread, against a copy of as many bytes in the same process:
// `node test/bench/rows.ts [ROUNDS]` (Node 24; `npx tsx` on Node 20). A copy reads half of the bytes and writes half; each runs twice, the second time timed.
import { setFlagsFromString } from "node:v8";
import { kernelOf } from "../../src/emit/wasm/kernels/table.ts";
import { machines } from "../../src/emit/wasm/machine.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { planGraph } from "../../src/plan/build.ts";
import { smallest } from "../../src/support/lists.ts";
import { graphOf as readGraph } from "../plan/graphs.ts";
import { loadKernels } from "../emit/wasm/harness.ts";

// Node 24 has it without being asked.
if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

const graphOf = (lines: string) => readGraph(`${lines}\n output y = %y`);
const vectors = (width: number): string =>
  `parameter %w: f32[${width}] = constant(1) "w"\n parameter %b: f32[${width}] = constant(0) "b"`;

interface Case {
  readonly name: string;
  readonly lines: string;
  /** Elements of the large tensors that are read and written. */
  readonly elements: number;
}

const normed = (rows: number, width: number): readonly Case[] => {
  const type = `f32[${rows}, ${width}]`;
  const inputs = `input %x: ${type}\n input %r: ${type}\n ${vectors(width)}`;
  const add = (norm: string, keepsSum = false): string =>
    `${inputs}\n %y${keepsSum ? ", %s" : ""} = add_norm(source: %x, branches: [%r], weights: [%w], biases: [%b], norm: ${norm}, eps: 1e-5, affines: [weight_bias], keep_sum: ${keepsSum})${keepsSum ? "\n output s = %s" : ""}`;
  const shape = `[${rows}, ${width}]`;
  const count = rows * width;
  const one = `input %x: ${type}\n ${vectors(width)}`;
  return [
    { name: `add + layer norm ${shape}`, lines: add("layer"), elements: 3 * count },
    { name: `add + layer norm, sum kept ${shape}`, lines: add("layer", true), elements: 4 * count },
    { name: `add + rms norm ${shape}`, lines: add("rms"), elements: 3 * count },
    {
      name: `layer_norm ${shape}`,
      lines: `${one}\n %y: ${type} = layer_norm(x: %x, weight: %w, bias: %b, eps: 1e-5)`,
      elements: 2 * count,
    },
    {
      name: `rms_norm ${shape}`,
      lines: `${one}\n %y: ${type} = rms_norm(x: %x, weight: %w, eps: 1e-5)`,
      elements: 2 * count,
    },
    // What a layer norm has to do at least: a pass that sums, and one that writes.
    {
      name: `sums of rows ${shape}`,
      lines: `input %x: ${type}\n %y: f32[${rows}] = reduce_sum(x: %x, axes: [1])`,
      elements: count,
    },
    {
      name: `x · w + b ${shape}`,
      lines: `${one}\n %y: ${type} = elementwise(inputs: [%x, %w, %b], program: { mul(i0, i1); add(t0, i2) })`,
      elements: 2 * count,
    },
    {
      name: `add, then layer norm ${shape}`,
      lines: `${inputs}\n %s: ${type} = add(%x, %r)\n %y: ${type} = layer_norm(x: %s, weight: %w, bias: %b, eps: 1e-5)`,
      elements: 3 * count,
    },
  ];
};

const cases: readonly Case[] = [
  ...normed(1024, 384),
  ...normed(1024, 768),
  // From memory: what is moved is all that counts.
  ...normed(8192, 768).filter(({ name }) => !/kept|sums|x ·|rms/.test(name)),
  {
    name: "softmax [1536, 128]",
    lines: "input %x: f32[1536, 128]\n %y: f32[1536, 128] = softmax(x: %x, axis: 1)",
    elements: 2 * 1536 * 128,
  },
];

/** Runs the steps of a graph as they stand. */
function runOf(lines: string): () => void {
  const graph = graphOf(lines);
  const inputs = randomInputs(graph, {}, 1);
  const parameters = randomParameters(graph, 2);
  const { run } = loadKernels(planGraph(graph), {
    inputs,
    parameters,
    machine: machines.relaxed,
    kernelOf: (stage, k) => kernelOf(stage, k, ({ buffer }) => String(buffer)),
  });
  return run;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const rounds = Number(process.argv[2] ?? 200);
const runs = cases.map(({ name, lines, elements }) => ({
  name,
  elements,
  run: runOf(lines),
  copy: runOf(
    `input %x: f32[${elements / 2}]\n %y: f32[${elements / 2}] = elementwise(inputs: [%x], program: { neg(i0) })`,
  ),
}));
/** Milliseconds of a run whose tensors lie in the cache as far as they fit: it ran just before. */
function timed(run: () => void): number {
  run();
  const start = performance.now();
  run();
  return performance.now() - start;
}
for (const { name, elements, run, copy } of runs) {
  const [times, copies]: [number[], number[]] = [[], []];
  for (let round = -rounds; round < rounds; round++) {
    const [time, other] = [timed(run), timed(copy)];
    if (round < 0) continue;
    times.push(time);
    copies.push(other);
  }
  const speed = (list: readonly number[]): string => ((4 * elements) / median(list) / 1e6).toFixed(1);
  const quotient = median(copies.map((each, at) => each / times[at]!));
  console.log(
    `${name.padEnd(40)} ${median(times).toFixed(4)} ms (best ${smallest(times).toFixed(4)}), ${speed(times)} GB/s; copy ${speed(copies)} (best ${smallest(copies).toFixed(4)} ms); ${quotient.toFixed(2)} of it`,
  );
}
