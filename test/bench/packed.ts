// How near the products of one row with a weight in codes come to what the machine gives: beside reading as many bytes, and beside
// the least that such a product can be, a load and an instruction of four products and a sum for each vector of codes.
// `npx tsx test/bench/packed.ts [rounds]`, in Node 24; one thread, by the processor time of the process.
import { FunctionWriter } from "../../src/emit/wasm/assembler/function.ts";
import { i32 } from "../../src/emit/wasm/assembler/numbers.ts";
import { i32x4, v128 } from "../../src/emit/wasm/assembler/simd.ts";
import type { Statement, V128 } from "../../src/emit/wasm/assembler/code.ts";
import { kernelOf } from "../../src/emit/wasm/kernels/table.ts";
import { machines } from "../../src/emit/wasm/machine.ts";
import { wasmTarget } from "../../src/emit/wasm/target.ts";
import { planGraph } from "../../src/plan/build.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { loadKernels } from "../emit/wasm/harness.ts";
import { graphOf } from "../plan/graphs.ts";
import { loopOf, timeOf } from "./loops.ts";

const DEPTH = 640;
/** Rows of weights whose codes stay in a core's own cache, and of such as do not. */
const SIZES = { cached: 1024, far: 65536 } as const;

interface Row {
  readonly name: string;
  /** Bytes that are read, and weights that they are. */
  readonly bytes: number;
  readonly weights: number;
  readonly run: () => void;
  readonly times: number[];
}

interface Form {
  readonly name: string;
  readonly bits: 4 | 5 | 8;
  readonly narrow?: true;
  readonly hasMinimums?: true;
  /** Whether scales and minimums lie as halves, as files have those of Q8_0, Q5_0, Q5_1 and Q4_1. */
  readonly halves?: true;
}

const forms: readonly Form[] = [
  { name: "8 bits, any codes", bits: 8 },
  { name: "8 bits, scales as halves", bits: 8, halves: true },
  { name: "8 bits, codes of -64 to 63", bits: 8, narrow: true },
  { name: "5 bits, scales as halves", bits: 5, halves: true },
  { name: "5 bits with minimums", bits: 5, hasMinimums: true },
  { name: "4 bits with minimums", bits: 4, hasMinimums: true },
  { name: "4 bits with minimums, as halves", bits: 4, hasMinimums: true, halves: true },
];

function product(form: Form, rows: number, place: string): Row {
  const { name, bits, narrow = false, hasMinimums = false, halves = false } = form;
  const kept = halves ? " kept as f16" : "";
  const [words, blocks] = [(DEPTH * bits) / 32, DEPTH / 32];
  const graph = graphOf(`
    input %x: f32[1, ${DEPTH}]
    parameter %c: i32[${rows}, ${words}] = constant(0) "c"
    parameter %s: f32[${rows}, ${blocks}] = constant(0) "s"${kept}
    ${hasMinimums ? `parameter %m: f32[${rows}, ${blocks}] = constant(0) "m"${kept}` : ""}
    %y: f32[1, ${rows}] = packed_linear(x: %x, codes: %c, scales: %s${hasMinimums ? ", minimums: %m" : ""}, bits: ${bits}, narrow: ${narrow}, activations: int8)
    output y = %y`);
  const floats = (value: number): HostTensor =>
    hostTensor("f32", [rows, blocks], new Float32Array(rows * blocks).fill(value));
  const { run } = loadKernels(planGraph(graph, { target: wasmTarget }), {
    inputs: {
      x: hostTensor(
        "f32",
        [1, DEPTH],
        Float32Array.from({ length: DEPTH }, (_, i) => Math.sin(i)),
      ),
    },
    parameters: {
      c: hostTensor(
        "i32",
        [rows, words],
        new Int32Array(rows * words).map((_, i) => (i * 0x01030709) & 0x3f3f3f3f),
      ),
      s: floats(0.01),
      m: floats(-0.08),
    },
    machine: machines.relaxed,
    kernelOf: (stage, k) => kernelOf(stage, k, ({ buffer }) => String(buffer)),
  });
  const scales = (halves ? 2 : 4) * rows * blocks * (hasMinimums ? 2 : 1);
  const bytes = 4 * rows * words + scales;
  return { name: `${name}, ${place}`, bytes, weights: rows * DEPTH, run, times: [] };
}

/** A loop over so many bytes, in streams side by side, two lines of the cache a turn, with sums that do not wait for each other. */
function looped(
  name: string,
  bytes: number,
  streams: number,
  take: (vector: V128, sum: V128, factor: V128) => V128,
): Row {
  const stride = 128;
  const writer = new FunctionWriter([]);
  const factor = writer.local("v128");
  const sums = writer.locals("v128", stride / 16);
  const part = bytes / streams;
  writer.push(
    factor.set(v128.load(i32.const(0))),
    writer.range(i32.const(0), i32.const(part), stride, (at) =>
      Array.from({ length: streams }, (_, stream) =>
        sums.map((sum, index): Statement =>
          sum.set(take(v128.load(at, stream * part + 16 * index), sum.get, factor.get)),
        ),
      ).flat(),
    ),
    ...sums.map((sum) => v128.store(i32.const(0), sum.get)),
  );
  return { name, bytes, weights: bytes, run: loopOf(writer, bytes).run, times: [] };
}

const read = (vector: V128, sum: V128): V128 => v128.xor(sum, vector);
const dot = (vector: V128, sum: V128, factor: V128): V128 =>
  i32x4.relaxed_dot_i8x16_i7x16_add_s(vector, factor, sum);

const rounds = Number(process.argv[2] ?? 9);
const all = Object.entries(SIZES).flatMap(([place, rows]) => [
  ...[1, 4].flatMap((streams) => [
    looped(`reading, ${streams} streams, ${place}`, rows * DEPTH, streams, read),
    looped(`a product a vector, ${streams} streams, ${place}`, rows * DEPTH, streams, dot),
  ]),
  ...forms.map((form) => product(form, rows, place)),
]);
for (const each of all) for (let i = 0; i < 3; i++) each.run();
for (let round = 0; round < rounds; round++) for (const { run, times } of all) times.push(timeOf(run));
console.log(`${process.version}; at best\nwhat                                       GB/s   10⁹ weights/s`);
for (const { name, bytes, weights, times } of all) {
  const best = 1e6 * Math.min(...times);
  console.log(
    name.padEnd(40),
    (bytes / best).toFixed(1).padStart(6),
    (weights / best).toFixed(1).padStart(12),
  );
}
