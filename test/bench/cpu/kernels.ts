import { readGraph } from "../../../src/ir/read.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import type { Job } from "./job.ts";
import { randomWeights } from "./models.ts";

/** A kernel as a chain of calls, so that what a run costs beside them can be taken off. */
export interface Kernel {
  readonly name: string;
  /** Inputs and parameters, as the IR declares them. */
  readonly given: readonly string[];
  /** One call, from the values of the call before; `%x0`, `%r0` and so on are inputs. */
  readonly call: (call: number) => readonly string[];
  /** What makes `%y` of all calls; the output is `%x` of the last one if left off. */
  readonly last?: (calls: number) => string;
  /** Calls of the shorter chain and of the longer one: some milliseconds apart, so that a clock tells them. */
  readonly chains: readonly [number, number];
}

const product = (name: string, M: number, N: number, K: number, chains: Kernel["chains"]): Kernel => ({
  name,
  given: [`input %x0: f32[${M}, ${K}]`, `parameter %w: f32[${N}, ${K}] = constant(0) "w"`],
  call: (call) => {
    // A product that is wider than its operand passes on its first columns.
    const y = `%y${call}: f32[${M}, ${N}] = linear(x: %x${call}, weight: %w)`;
    if (N === K) return [y.replace("%y", "%x").replace(`%x${call}:`, `%x${call + 1}:`)];
    return [y, `%x${call + 1}: f32[${M}, ${K}] = slice(%y${call}, axis: 1, start: 0, size: ${K})`];
  },
  chains,
});

const rows = "f32[1, 1024, 768]";
const row = "f32[1, 1, 768]";
const vector = (name: string): string => `parameter %${name}: f32[768] = constant(1) "${name}"`;

/**
 * An add whose sum goes on beside the norm of it, as a residual stream's. Something else reads the norm too, a row of it: else
 * it would be the norm at the end of a branch, which the next edge takes in.
 */
const addNorm = (name: string, norm: string, vectors: readonly string[]): Kernel => ({
  name,
  given: [`input %x0: ${rows}`, `input %r0: ${rows}`, `input %t0: ${row}`, ...vectors.map(vector)],
  call: (call) => [
    `%r${call + 1}: ${rows} = add(%r${call}, %x${call})`,
    `%x${call + 1}: ${rows} = ${norm}(x: %r${call + 1}, ${vectors.map((name) => `${name}: %${name}`).join(", ")}, eps: 1e-5)`,
    `%s${call + 1}: ${row} = slice(%x${call + 1}, axis: 1, start: 0, size: 1)`,
    `%t${call + 1}: ${row} = add(%t${call}, %s${call + 1})`,
  ],
  last: (calls) => `%y: ${rows} = add(%x${calls}, %t${calls})`,
  chains: [8, 40],
});

const attention = (name: string, causal: boolean): Kernel => {
  const heads = "f32[1, 1024, 12, 64]";
  return {
    name,
    given: [`input %x0: ${heads}`, `input %k: ${heads}`, `input %v: ${heads}`],
    call: (call) => [
      `%x${call + 1}: ${heads} = attend(q: %x${call}, k: %k, v: %v, causal: ${causal}, scale: 0.125, layout: heads_last)`,
    ],
    chains: [1, 3],
  };
};

export const kernels: readonly Kernel[] = [
  product("GEMM 128×768×768", 128, 768, 768, [1, 7]),
  product("GEMM 128×3072×768", 128, 3072, 768, [1, 4]),
  product("GEMM 1024×1024×1024", 1024, 1024, 1024, [1, 3]),
  product("GEMV 4096×4096", 1, 4096, 4096, [1, 5]),
  {
    name: "LayerNorm [1024, 768]",
    given: [`input %x0: ${rows}`, vector("weight"), vector("bias")],
    call: (call) => [
      `%x${call + 1}: ${rows} = layer_norm(x: %x${call}, weight: %weight, bias: %bias, eps: 1e-5)`,
    ],
    chains: [8, 40],
  },
  addNorm("add + LayerNorm [1024, 768]", "layer_norm", ["weight", "bias"]),
  addNorm("add + RMSNorm [1024, 768]", "rms_norm", ["weight"]),
  {
    name: "softmax [1536, 128]",
    given: ["input %x0: f32[1536, 128]"],
    call: (call) => [`%x${call + 1}: f32[1536, 128] = softmax(x: %x${call}, axis: 1)`],
    // What comes of a second call hardly differs from row to row: only the first tells whether engines agree.
    chains: [1, 33],
  },
  attention("attention 12×1024×64", false),
  attention("attention 12×1024×64, causal", true),
];

/** The graph of so many calls; its output is that of the last. */
export function chainOf({ given, call, last }: Kernel, calls: number): Graph {
  const lines = Array.from({ length: calls }, (_, index) => call(index)).flat();
  const end = last === undefined ? [`output y = %x${calls}`] : [last(calls), "output y = %y"];
  const text = ["graph kernel {", ...given, ...lines, ...end, "}"].join("\n");
  const { graph, diagnostics } = readGraph({ name: "kernel.ir", text });
  if (graph !== undefined) return graph;
  throw new Error(`${text}\n${diagnostics.map(({ message }) => message).join("\n")}`);
}

/** Differences of a chain are those of one call, some ten times over. */
const ROUNDING = 2e-5;

export const kernelJobs: readonly (() => Job)[] = kernels.map((kernel) => () => {
  const graphs = kernel.chains.map((calls) => chainOf(kernel, calls));
  const [short, long] = kernel.chains;
  const runs = [
    { model: 0, sizes: {} },
    { model: 1, sizes: {} },
  ] as const;
  return {
    name: kernel.name,
    models: graphs.map((graph) => ({ graph, weights: () => randomWeights(graph) })),
    rows: [{ name: kernel.name, from: "model", runs, calls: long - short }],
    tolerance: ROUNDING,
  };
});
