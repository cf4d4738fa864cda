// The matrix product of emitted modules against naive loops: `npx tsx test/bench/gemm.ts`.
// Rounds are interleaved; GFLOP/s of the best and of the median round, a multiply-add counting two.
import { readGraph } from "../../src/ir/read.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { planGraph } from "../../src/plan/build.ts";

type Run = () => void;

const shapes = [
  { rows: 128, columns: 768, depth: 768 },
  { rows: 128, columns: 3072, depth: 768 },
  { rows: 128, columns: 1024, depth: 1024 },
  { rows: 1, columns: 3072, depth: 768 },
  { rows: 5, columns: 65, depth: 63 },
] as const;
const rounds = 11;

const wave = (size: number, step: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(i * step));

interface Module {
  readonly createModel: (weights: object) => { readonly run: (inputs: object) => unknown };
}

/** `linear` alone in a module, the weight in the given order. */
async function emitted(rows: number, columns: number, depth: number, layout: string): Promise<Run> {
  const weight = layout === "out_in" ? [columns, depth] : [depth, columns];
  const text = `graph gemm {
    dim M
    input %x: f32[M, ${depth}]
    parameter %w: f32[${weight.join(", ")}] = normal(0, 1) "w"
    %y: f32[M, ${columns}] = linear(x: %x, weight: %w, layout: ${layout})
    output y = %y
  }`;
  const plan = planGraph(readGraph({ name: "gemm.ir", text }).graph!);
  const script = emitTypeScript(plan, { types: false }).files[0]!.text;
  const url = `data:text/javascript;base64,${Buffer.from(script).toString("base64")}`;
  const { createModel } = (await import(url)) as Module;
  const model = createModel({ w: { data: wave(columns * depth, 0.37), shape: weight } });
  const x = { data: wave(rows * depth, 0.11), shape: [rows, depth] };
  return () => model.run({ x });
}

/** Three loops, the sum in a local variable: what one writes first. */
function naive(rows: number, columns: number, depth: number): Run {
  const [x, w] = [wave(rows * depth, 0.11), wave(columns * depth, 0.37)];
  const y = new Float32Array(rows * columns);
  return () => {
    for (let m = 0; m < rows; m++)
      for (let n = 0; n < columns; n++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) sum += x[m * depth + k]! * w[n * depth + k]!;
        y[m * columns + n] = sum;
      }
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

console.log("rows columns depth   what              best GF   median GF");
for (const { rows, columns, depth } of shapes) {
  const flops = 2 * rows * columns * depth;
  const runs: readonly (readonly [string, Run])[] = [
    ["emitted [N, K]", await emitted(rows, columns, depth, "out_in")],
    ["emitted [K, N]", await emitted(rows, columns, depth, "in_out")],
    ["naive loops", naive(rows, columns, depth)],
  ];
  const times = new Map(runs.map(([name]) => [name, [] as number[]]));
  // Some 20 ms a round, so that the clock and the first calls do not count.
  const repeats = Math.max(1, Math.round(2e7 / flops));
  for (let round = 0; round < rounds; round++)
    for (const [name, run] of runs) {
      const start = performance.now();
      for (let i = 0; i < repeats; i++) run();
      times.get(name)!.push((performance.now() - start) / repeats);
    }
  for (const [name, all] of times) {
    const speed = (milliseconds: number): string => (flops / milliseconds / 1e6).toFixed(2).padStart(9);
    const sizes = [rows, columns, depth].map((size) => String(size).padStart(5)).join(" ");
    console.log(`${sizes}   ${name.padEnd(16)} ${speed(Math.min(...all))}   ${speed(median(all))}`);
  }
}
