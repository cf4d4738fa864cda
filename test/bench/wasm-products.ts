// Products of the WebAssembly kernels against the ceiling of multiply-adds in registers, measured between them:
// `npx tsx test/bench/wasm-products.ts [relaxed|plain] [NAME…]`, each name a part of a row's. One thread; a multiply-add counts
// two. What reads each weight once is beside the reading of as much memory. The clock is the processor time of the process, so that what
// else runs on the machine is left out, but for what it takes of caches and memory.
import v8 from "node:v8";
import { FunctionWriter } from "../../src/emit/wasm/assembler/function.ts";
import { i32 } from "../../src/emit/wasm/assembler/numbers.ts";
import { v128 } from "../../src/emit/wasm/assembler/simd.ts";
import { kernelOf } from "../../src/emit/wasm/kernels/table.ts";
import { machines, multiplyAdd, type Machine } from "../../src/emit/wasm/machine.ts";
import { wasmTarget } from "../../src/emit/wasm/target.ts";
import { planGraph } from "../../src/plan/build.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { evaluateDim } from "../../src/tensor/dim.ts";
import { loadKernels } from "../emit/wasm/harness.ts";
import { graphOf } from "../plan/graphs.ts";
import { loopOf, timeOf } from "./loops.ts";
import { median } from "./statistics.ts";

// Node 20 has relaxed SIMD behind a flag, which Node 24 does not know any more.
if (process.version.startsWith("v20.")) v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

const ROUNDS = 25;

const linear = (columns: number, depth: number, epilogue = "", home = "parameter"): string => `
  dim B
  input %x: f32[B, ${depth}]
  ${home} %w: f32[${columns}, ${depth}]${home === "parameter" ? ' = normal(0, 1) "w"' : ""}
  input %b: f32[${columns}]
  %y: f32[B, ${columns}] = linear_epilogue(x: %x, weight: %w, extras: [%b], epilogue: { add(i0, i1)${epilogue} })
  output y = %y`;

const inOut = (columns: number, depth: number, home = "input"): string => `
  dim B
  input %x: f32[B, ${depth}]
  ${home} %w: f32[${depth}, ${columns}]${home === "parameter" ? ' = normal(0, 1) "w"' : ""}
  %y: f32[B, ${columns}] = linear(x: %x, weight: %w, layout: in_out)
  output y = %y`;

const gradient = (outer: number, inner: number): string => `
  dim B
  input %g: f32[B, ${outer}]
  input %x: f32[B, ${inner}]
  %y: f32[${outer}, ${inner}] = linear_weight_grad(grad: %g, x: %x)
  output y = %y`;

const conv = (channels: number, outputs: number, size: number): string => `
  dim B
  input %x: f32[B, ${channels}, ${size}, ${size}]
  input %w: f32[${outputs}, ${channels}, 3, 3]
  %y: f32[B, ${outputs}, ${size}, ${size}] = conv2d(x: %x, weight: %w, padding: [1, 1])
  output y = %y`;

/** Graphs by what they are called, each with how many rows. */
const rows: readonly (readonly [name: string, text: string, rows: number])[] = [
  ["linear 128 × 768 → 768", linear(768, 768), 128],
  ["linear 128 × 768 → 768, gelu", linear(768, 768, "; gelu(t0)"), 128],
  ["linear 128 × 384 → 1536, gelu", linear(1536, 384, "; gelu(t0)"), 128],
  ["linear 128 × 768 → 3072, gelu_tanh", linear(3072, 768, "; gelu_tanh(t0)"), 128],
  ["linear 128 × 768 → 3072, silu", linear(3072, 768, "; silu(t0)"), 128],
  ["linear 128 × 768 → 3072", linear(3072, 768), 128],
  ["linear 128 × 3072 → 768", linear(768, 3072), 128],
  ["linear 1024 × 1024 → 1024", linear(1024, 1024), 1024],
  ["linear 16 × 384 → 384", linear(384, 384), 16],
  ["linear 1 × 768 → 3072", linear(3072, 768), 1],
  ["linear 1 × 4096 → 4096", linear(4096, 4096), 1],
  ["linear 3 × 4096 → 4096", linear(4096, 4096), 3],
  ["linear 32 × 784 → 256, out_in unpacked", linear(256, 784, "", "input"), 32],
  ["linear 128 × 768 → 768, out_in unpacked", linear(768, 768, "", "input"), 128],
  ["linear 1 × 4096 → 4096, out_in unpacked", linear(4096, 4096, "", "input"), 1],
  ["linear 32 × 256 → 784, in_out unpacked", inOut(784, 256), 32],
  ["linear 128 × 768 → 768, in_out unpacked", inOut(768, 768), 128],
  ["linear 1 × 768 → 50257", linear(50257, 768), 1],
  ["linear 1 × 768 → 50257, out_in unpacked", linear(50257, 768, "", "input"), 1],
  ["linear 1 × 4096 → 4096, in_out", inOut(4096, 4096, "parameter"), 1],
  ["linear 1 × 4096 → 4096, in_out unpacked", inOut(4096, 4096), 1],
  ["dW 32 × 256 × 784", gradient(256, 784), 32],
  ["dW 128 × 768 × 768", gradient(768, 768), 128],
  ["dW 1024 × 768 × 768", gradient(768, 768), 1024],
  ["dW 1024 × 768 × 3072", gradient(768, 3072), 1024],
  ["dW 1024 × 3072 × 768", gradient(3072, 768), 1024],
  ["conv 8 × 32 → 64, 28 × 28", conv(32, 64, 28), 8],
];

interface Row {
  readonly name: string;
  readonly flops: number;
  /** Of a weight that is read once; 0 if the work is bound by other things. */
  readonly bytes: number;
  readonly code: number;
  readonly run: () => void;
  readonly times: number[];
}

function row(machine: Machine, name: string, text: string, count: number): Row {
  const graph = graphOf(text);
  const plan = planGraph(graph, { target: wasmTarget });
  const sizes = new Map([["B", count]]);
  const { run, bytes } = loadKernels(plan, {
    inputs: randomInputs(graph, { B: count }, 1),
    parameters: randomParameters(graph, 2),
    sizes,
    machine,
    kernelOf: (stage, k) => kernelOf(stage, k, ({ buffer }) => String(buffer)),
  });
  const flops = plan.steps.reduce((sum, step) => sum + evaluateDim(step.flops, sizes), 0);
  const weight = count <= 3 ? flops / count / 2 : 0;
  return { name, flops, bytes: 4 * weight, code: bytes, run, times: [] };
}

/** Independent multiply-adds, nothing else; each is of the sum before it, or engines would multiply once. */
function ceiling(machine: Machine): Row {
  const [sums, turns] = [14, 100_000];
  const writer = new FunctionWriter([]);
  const x = writer.local("v128");
  const totals = writer.locals("v128", sums);
  const at = i32.const(0);
  writer.push(
    x.set(v128.load(at)),
    writer.range(i32.const(0), i32.const(turns), 1, () =>
      totals.map((total) => total.set(multiplyAdd(machine, total.get, x.get, x.get))),
    ),
    ...totals.map((total) => v128.store(at, total.get)),
  );
  return { name: "ceiling", flops: 8 * sums * turns, bytes: 0, ...loopOf(writer, 1), times: [] };
}

/** 64 MiB that are read, once, in four streams, a line of the cache at a time. */
function reading(): Row {
  const [streams, bytes, line] = [4, 64 * 2 ** 20, 64];
  const writer = new FunctionWriter([]);
  const sums = writer.locals("v128", 8);
  const part = bytes / streams;
  writer.push(
    writer.range(i32.const(0), i32.const(part), line, (at) =>
      Array.from({ length: (streams * line) / 16 }, (_, vector) => {
        const sum = sums[vector % sums.length]!;
        const offset = Math.floor((16 * vector) / line) * part + ((16 * vector) % line);
        return sum.set(v128.xor(sum.get, v128.load(at, offset)));
      }),
    ),
    ...sums.map((sum) => v128.store(i32.const(0), sum.get)),
  );
  return { name: "reading", flops: 0, bytes, ...loopOf(writer, bytes), times: [] };
}

const time = ({ run, times }: Row): void => {
  times.push(timeOf(run));
};

const [which = "relaxed", ...names] = process.argv.slice(2).filter((each) => each !== "--");
const machine = machines[which as keyof typeof machines];
const wanted = rows.filter(([name]) => names.length === 0 || names.some((part) => name.includes(part)));
const [top, memory] = [ceiling(machine), reading()];
const all = wanted.map((each) => row(machine, ...each));
for (const each of [top, memory, ...all]) for (let i = 0; i < 3; i++) each.run();
for (let round = 0; round < ROUNDS; round++)
  for (const each of all) {
    time(top);
    if (each.bytes > 0) time(memory);
    time(each);
  }
const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(0)} %`.padStart(6);
const of = (what: "flops" | "bytes", pick: (times: readonly number[]) => number, each: Row): number =>
  each[what] / pick(each.times) / 1e6;
const best = (times: readonly number[]): number => Math.min(...times);
console.log(
  `${process.version}, ${which}: ceiling ${of("flops", best, top).toFixed(1)} GFLOP/s at best; reading ${of("bytes", best, memory).toFixed(1)} GB/s at best, ${of("bytes", median, memory).toFixed(1)} in the median`,
);
console.log(
  "what                                        best GF   of ceiling, median   GB/s  of reading, median  code",
);
for (const each of all) {
  const read = each.bytes > 0;
  console.log(
    each.name.padEnd(42),
    of("flops", best, each).toFixed(1).padStart(8),
    share(of("flops", best, each), of("flops", best, top)).padStart(12),
    share(of("flops", median, each), of("flops", median, top)).padStart(8),
    (read ? of("bytes", best, each).toFixed(1) : "").padStart(6),
    (read ? share(of("bytes", best, each), of("bytes", best, memory)) : "").padStart(11),
    (read ? share(of("bytes", median, each), of("bytes", median, memory)) : "").padStart(8),
    String(each.code).padStart(5),
  );
}
