// Time of each kernel of the loop language against that of another commit:
// `npx tsx test/bench/kernels.ts COMMIT [op …]`. Both modules run the same plan, one after the other in each round, with a
// clock around every step; what is printed are medians of processor time, and the median of the rounds' quotients.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { LoopOp } from "../../src/emit/loops/kernels/table.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { readGraph } from "../../src/ir/read.ts";
import { planGraph } from "../../src/plan/build.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { sizeOf } from "../../src/tensor/host.ts";
import { open, withClocks, type Clocked } from "./clocks.ts";

const rows = "f32[B, 2048, 384]";
const vectors = `input %v: f32[384]\n input %w: f32[384]`;
const inputs = (...names: readonly string[]): string =>
  names.map((name) => `input %${name}: ${rows}`).join("\n");
const classes = "input %x: f32[B, 64, 5000]\n input %t: i32[B, 64]";
const recurrence = [
  ...["q", "k", "v"].map((name) => `input %${name}: f32[B, 12, 512, 64]`),
  "input %a: f32[B, 12, 512]",
].join("\n");
const heads = "input %x: f32[B, 8, 512, 64]";

/** Graphs of one kernel each whose result is %y, in the forms that kernels have; a write is a copy. */
const graphs: { readonly [K in Exclude<LoopOp, "write">]: readonly string[] } = {
  add_norm: [
    `${inputs("a", "b")}\n ${vectors}\n %y = add_norm(source: %a, branches: [%b], weights: [%v], biases: [%w], norm: layer, eps: 1e-5, affines: [weight_bias], keep_sum: false)`,
    `${inputs("a", "b")}\n ${vectors}\n %y, %s = add_norm(source: %a, branches: [%b], weights: [%v], norm: rms, eps: 1e-5, affines: [weight])\n output s = %s`,
    `${inputs("a", "b")}\n ${vectors}\n %y = add_norm(source: %a, branches: [%b], inner_weight: %v, inner: rms, inner_eps: 1e-5, norm: none, affines: [])`,
  ],
  batch_norm: [
    `input %x: f32[B, 64, 56, 56]\n input %m: f32[64]\n input %v: f32[64]\n %y = batch_norm(x: %x, mean: %m, variance: %v, weight: %v, bias: %m, eps: 1e-5)`,
    `input %x: f32[B, 1024, 384]\n input %m: f32[384]\n input %v: f32[384]\n %y = batch_norm(x: %x, mean: %m, variance: %v, weight: %v, bias: %m, eps: 1e-5, axis: 2)`,
  ],
  batch_norm_grad: [
    `input %g: f32[B, 64, 56, 56]\n input %x: f32[B, 64, 56, 56]\n input %m: f32[64]\n input %v: f32[64]\n %y, %a, %b, %c, %d = batch_norm_grad(grad: %g, x: %x, mean: %m, variance: %v, weight: %v, eps: 1e-5)\n output a = %a\n output b = %b\n output c = %c\n output d = %d`,
  ],
  batch_statistics: [
    `input %x: f32[B, 64, 56, 56]\n input %m: f32[64]\n input %v: f32[64]\n %y, %a, %b, %c = batch_statistics(x: %x, running_mean: %m, running_variance: %v)\n output a = %a\n output b = %b\n output c = %c`,
  ],
  batch_statistics_grad: [
    `input %x: f32[B, 64, 56, 56]\n input %m: f32[64]\n input %v: f32[64]\n %y = batch_statistics_grad(x: %x, mean: %m, grad_mean: %m, grad_variance: %v)`,
  ],
  cast: [`${inputs("x")}\n %y = cast(x: %x, dtype: bf16)`, `${inputs("x")}\n %y = cast(x: %x, dtype: i32)`],
  copy: [`${inputs("x")}\n %p = permute(x: %x, axes: [0, 2, 1])\n %y = concat(values: [%p, %p], axis: 0)`],
  cross_entropy: [
    `${classes}\n %y = cross_entropy(logits: %x, targets: %t)`,
    `${classes}\n %y = cross_entropy(logits: %x, targets: %t, smoothing: 0.1, ignore: 3)`,
  ],
  cross_entropy_grad: [
    `${classes}\n input %g: f32[]\n %y = cross_entropy_grad(grad: %g, logits: %x, targets: %t, smoothing: 0.1)`,
  ],
  accuracy: [`${classes}\n %y = accuracy(logits: %x, targets: %t)`],
  cumsum: [`${inputs("x")}\n %y = cumsum(x: %x, axis: 2)`, `${inputs("x")}\n %y = cumsum(x: %x, axis: 1)`],
  dropout: [`${inputs("x")}\n input %k: i32[2]\n %y = dropout(x: %x, key: %k, rate: 0.1)`],
  elementwise: [
    `${inputs("x", "a")}\n %y = add(%x, %a)`,
    `${inputs("x")}\n input %v: f32[384]\n %y = elementwise(inputs: [%x, %v], program: { add(i0, i1); gelu_tanh(t0); mul(t1, i1) })`,
    `${inputs("x", "a")}\n input %s: f32[]\n %y = elementwise(inputs: [%x, %a, %s], program: { mul(i0, 0.9); div(i1, i2); add(t0, t1); gt(t2, 0); where(t3, t2, i1) })`,
    `input %x: f32[B, 2048, 384]\n input %a: f32[B, 384, 2048]\n %p = permute(x: %a, axes: [0, 2, 1])\n %y = silu(%p)`,
  ],
  embedding: [`input %e: f32[5000, 384]\n input %t: i32[B, 2048]\n %y = embedding(table: %e, ids: %t)`],
  embedding_grad: [
    `${inputs("x")}\n input %t: i32[B, 2048]\n %y = embedding_grad(grad: %x, ids: %t, rows: 5000)`,
  ],
  extent: [`input %x: f32[B]\n %y = extent(size: B)`],
  iota: [`input %x: f32[1, B]\n %y = iota(size: 1000000*B)`],
  linear_attend: [
    `${recurrence}\n %y, %s = linear_attend(q: %q, k: %k, v: %v, decay: %a)`,
    `${recurrence}\n input %b: f32[B, 12, 512]\n %y, %s = linear_attend(q: %q, k: %k, v: %v, decay: %a, beta: %b)`,
  ],
  linear_attend_grad: [
    `${recurrence}\n input %b: f32[B, 12, 512]\n input %g: f32[B, 12, 512, 64]\n %a1, %a2, %a3, %a4, %a5, %y = linear_attend_grad(grad: %g, q: %q, k: %k, v: %v, decay: %a, beta: %b)`,
  ],
  l2_norm: [`${inputs("x")}\n %y = l2_norm(x: %x)`],
  layer_norm: [`${inputs("x")}\n ${vectors}\n %y = layer_norm(x: %x, weight: %v, bias: %w, eps: 1e-5)`],
  log_softmax: [`${inputs("x")}\n %y = log_softmax(x: %x)`],
  mean_squared_error: [`${inputs("x", "a")}\n %y = mean_squared_error(x: %x, y: %a)`],
  norm_grad: [
    `${inputs("g", "x", "c")}\n ${vectors}\n %y, %a, %b = norm_grad(grad: %g, x: %x, weight: %v, carried: %c, norm: layer, eps: 1e-5, bias: true)\n output a = %a\n output b = %b`,
    `${inputs("g", "x")}\n ${vectors}\n %y, %a = norm_grad(grad: %g, x: %x, weight: %v, norm: rms, eps: 1e-5)\n output a = %a`,
  ],
  reduce_sum: [
    `${inputs("x")}\n %y = reduce_sum(x: %x, axes: [2])`,
    `${inputs("x")}\n %y = reduce_sum(x: %x, axes: [0, 1])`,
    `${inputs("x")}\n %y = reduce_sum(x: %x, axes: [0, 1, 2])`,
  ],
  reduce_mean: [`${inputs("x")}\n %y = reduce_mean(x: %x, axes: [1])`],
  reduce_max: [`${inputs("x")}\n %y = reduce_max(x: %x, axes: [2])`],
  reduce_min: [`${inputs("x")}\n %y = reduce_min(x: %x, axes: [2])`],
  relative_bucket: [
    `input %x: f32[1, B]\n %y = relative_bucket(rows: 1000*B, columns: 1000, buckets: 32, far: 128, causal: false)`,
  ],
  rms_norm: [`${inputs("x")}\n ${vectors}\n %y = rms_norm(x: %x, weight: %v, eps: 1e-5)`],
  rope: [
    `${heads}\n input %t: i32[B, 512]\n %y = rope(x: %x, positions: %t)`,
    `${heads}\n %y = rope(x: %x, dims: 32, pairs: interleaved, scaling: dynamic, factor: 4, original: 128)`,
  ],
  softmax: [`${inputs("x")}\n %y = softmax(x: %x, axis: 2)`, `${inputs("x")}\n %y = softmax(x: %x, axis: 1)`],
  spread: [
    `input %x: f32[B, 4096, 64]\n input %t: i32[B, 4096, 64]\n %y = spread(values: %x, indices: %t, size: 100)`,
  ],
  routed_weight_grad: [
    "input %g: f32[B, 64, 2, 512]\n input %x: f32[B, 64, 1, 512]\n input %t: i32[B, 64, 2]\n %y = routed_weight_grad(grad: %g, x: %x, chosen: %t, experts: 8)",
  ],
  take: [`input %x: f32[B, 4096, 100]\n input %t: i32[B, 4096, 64]\n %y = take(x: %x, indices: %t)`],
};

interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

interface Module extends Clocked {
  readonly createModel: (weights: object) => { readonly run: (inputs: Record<string, Tensor>) => object };
}

/** What turns a graph's text into a plan and its module: of this source, or of another commit's. */
interface Compiler {
  readonly readGraph: typeof readGraph;
  readonly planGraph: typeof planGraph;
  readonly emitTypeScript: typeof emitTypeScript;
}

const BATCH = 2;
const WARMUP = 8;
/** Instances of each module, rounds of each, and milliseconds that all take at least. */
const INSTANCES = 4;
const ROUNDS = 8;
const LEAST = 400;

/** The compiler as it is in the tree of another commit. */
async function compilerIn(tree: string): Promise<Compiler> {
  const parts = ["ir/read.ts", "plan/build.ts", "emit/ts/emit.ts"].map(
    (path) => import(pathToFileURL(join(tree, "src", path)).href) as Promise<Partial<Compiler>>,
  );
  return Object.assign({}, ...(await Promise.all(parts))) as Compiler;
}

/** The plan of a case; of its result only the largest element leaves the run, as memory of callers is new each time. */
function planOf({ readGraph, planGraph }: Compiler, lines: string): Plan {
  const graphOf = (end: string): Graph => {
    const text = `graph kernel {\n dim B\n ${lines}\n ${end}\n}`;
    const { graph, diagnostics } = readGraph({ name: "kernel.ir", text });
    if (graph !== undefined) return graph;
    throw new Error(`${text}\n${diagnostics.map(({ message }) => message).join("\n")}`);
  };
  const { shape } = graphOf("output y = %y").outputs.at(-1)!.value.type;
  const axes = shape.map((_, axis) => axis).join(", ");
  return planGraph(graphOf(`%largest = reduce_max(x: %y, axes: [${axes}])\n output largest = %largest`));
}

/** Random numbers in (0, 1), so that they may be variances too; small whole ones, so that they may be ids. */
function dataOf(plan: Plan): Record<string, Tensor> {
  const random = new RandomStream(1, "data");
  const draw = (dtype: string) => (dtype === "f32" ? () => random.uniform() : () => random.below(99));
  return Object.fromEntries(
    plan.inputs.map(({ name, type }) => {
      const shape = type.shape.map(({ key }) => (key === "B" ? BATCH : Number(key)));
      return [name, { shape, data: Float32Array.from({ length: sizeOf(shape) }, draw(type.dtype)) }];
    }),
  );
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/**
 * Milliseconds of the op's step in each round, of the modules that the compilers write: each of several instances, as
 * memory and code of one may lie better than those of another.
 */
async function race(compilers: readonly Compiler[], op: string, lines: string): Promise<readonly number[][]> {
  const data = dataOf(planOf(compilers[0]!, lines));
  const racerOf = async (compiler: Compiler, instance: number): Promise<() => number> => {
    const plan = planOf(compiler, lines);
    const text = withClocks(compiler.emitTypeScript(plan, { types: false }).files[0]!.text, plan);
    const module = await open<Module>(`${text}// ${instance}`);
    const model = module.createModel({});
    const step = plan.steps.findIndex((each) => each.op === op);
    return () => {
      model.run(data);
      return module.stepTimes[step]!;
    };
  };
  const times: number[][] = compilers.map(() => []);
  let spent = 0;
  for (let round = 0; round < INSTANCES * ROUNDS || spent < LEAST;) {
    const racers = await Promise.all(compilers.map((compiler) => racerOf(compiler, round)));
    for (let turn = 0; turn < WARMUP + ROUNDS; turn++) {
      const measured = racers.map(() => 0);
      const order = turn % 2 === 0 ? racers.keys() : [...racers.keys()].toReversed();
      for (const at of order) measured[at] = racers[at]!();
      if (turn < WARMUP) continue;
      round++;
      measured.forEach((time, at) => times[at]!.push(time));
      spent += measured[0]!;
    }
  }
  return times;
}

async function bench(commit: string, wanted: readonly string[]): Promise<void> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const scratch = mkdtempSync(join(tmpdir(), "lmg-kernels-"));
  const tree = join(scratch, "tree");
  const git = (...args: readonly string[]): unknown =>
    execFileSync("git", ["worktree", ...args], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  try {
    git("add", "--detach", tree, commit);
    symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
    const compilers = [await compilerIn(tree), { readGraph, planGraph, emitTypeScript }];
    console.log("kernel                       there ms     here ms   there / here");
    for (const [op, forms] of Object.entries(graphs)) {
      if (wanted.length > 0 && !wanted.includes(op)) continue;
      for (const [form, lines] of forms.entries()) {
        const [there, here] = await race(compilers, op, lines);
        const quotients = there!.map((time, round) => time / here![round]!);
        const cells = [median(there!).toFixed(3), median(here!).toFixed(3), median(quotients).toFixed(3)];
        console.log(`${`${op} ${form + 1}`.padEnd(25)}${cells.map((cell) => cell.padStart(12)).join("")}`);
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    git("prune");
  }
}

const [commit, ...wanted] = process.argv.slice(2);
if (commit === undefined) console.log("npx tsx test/bench/kernels.ts COMMIT [op …]");
else await bench(commit, wanted);
