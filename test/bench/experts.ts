// What a token of a mixture of experts takes beside one of a dense layer as wide as the experts that it chose: time, bytes and
// operations, of WebAssembly and TypeScript, one thread; and rows of a prompt, where tokens share experts. Other memory is read before
// each run, so that the weights of both come from memory; `--kept` leaves caches as they are, and one that holds the dense layers' 50 MB
// and not the 400 MB that experts are chosen from makes the dense ones the faster by what it is faster than memory.
//
//     npx tsx test/bench/experts.ts [wasm|ts] [--rows N,…] [--quantize int8|int4] [--kept]
import { orThrow } from "../../src/checkpoint/problem.ts";
import { compile } from "../../src/compile.ts";
import { targets, type TargetName } from "../../src/emit/targets.ts";
import { randomInputs } from "../../src/ir/initialize.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { planGraph } from "../../src/plan/build.ts";
import { layoutOf } from "../../src/plan/layout.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { movedBy } from "../../src/plan/stats.ts";
import { packingOf } from "../../src/quantize/packing.ts";
import { openEngine } from "../../src/run/engines.ts";
import { packedWeights } from "../../src/run/packed-weights.ts";
import { randomWeights } from "../../src/run/weights.ts";
import { evaluateDim } from "../../src/tensor/dim.ts";
import { clock } from "./clocks.ts";
import { median, ratiosTo } from "./statistics.ts";

/** Of 64 experts each token takes 8. */
const size = { dim: 512, hidden: 256, experts: 64, top_k: 8, depth: 4 };

const { dim, hidden, experts, top_k, depth } = size;

const text = (mlp: string): string => `
  model layers {
    allow no_final_norm
    input x: f32[B, T, ${dim}]
    repeat ${depth} as layers { residual pre norm: rmsnorm { mlp: ${mlp} } }
    output y
  }`;

const models = {
  experts: text(`moe(${experts}, ${top_k}, ${hidden})`),
  dense: text(`swiglu(${top_k * hidden})`),
};

const isKept = process.argv.includes("--kept");

/** More bytes than last caches hold, of which the largest here has 300 MB; written once, or all would be one page of zeros. */
const others = new Float64Array(isKept ? 0 : 2 ** 26).fill(1);

/** Reads other memory, a number of each line of the caches. */
function readOthers(): void {
  let sum = 0;
  for (let at = 0; at < others.length; at += 8) sum += others[at]!;
  if (sum !== others.length / 8) throw new Error("the other memory was written");
}

const scheme = (["int8", "int4"] as const).find((one) => process.argv.includes(one));

function planOf(source: string, kernels: TargetName) {
  const target = targets[kernels].target({});
  const { model } = compile({ name: "layers.lmg", text: source }, { target });
  const { graph } = model!;
  const { packing } = packingOf(graph, scheme === undefined ? {} : { scheme });
  const plan = planGraph(runPasses(graph, { packing, target }), { target });
  return { graph, plan, weights: packedWeights(randomWeights(graph, 1), packing) };
}

/** Bytes that the steps of a run read and write, and their operations. */
function costOf(plan: Plan, sizes: ReadonlyMap<string, number>) {
  const layout = layoutOf(plan);
  const moved = plan.steps.map((step) => movedBy(step, sizes, layout));
  return {
    bytes: moved
      .flatMap(({ reads, writes }) => [...reads, ...writes])
      .reduce((sum, { bytes }) => sum + bytes, 0),
    flops: plan.steps.reduce((sum, { flops }) => sum + evaluateDim(flops, sizes), 0),
  };
}

async function compare(kernels: TargetName, rows: number): Promise<string> {
  const sizes = new Map([
    ["B", 1],
    ["T", rows],
  ]);
  const open = async (source: string) => {
    const { graph, plan, weights } = planOf(source, kernels);
    const engine = orThrow(await openEngine(kernels, plan, weights, { threads: 1 }));
    return { graph, engine, cost: costOf(plan, sizes), times: [] as number[] };
  };
  const opened = [await open(models.experts), await open(models.dense)] as const;
  const rounds = Math.max(11, Math.min(101, Math.ceil((kernels === "ts" ? 120 : 800) / rows)));
  for (let round = -3; round < rounds; round++)
    for (const { graph, engine, times } of round % 2 === 0 ? opened : opened.toReversed()) {
      // Another token each time, which chooses other experts.
      const inputs = new Map(Object.entries(randomInputs(graph, sizes, round + 10)));
      readOthers();
      const start = clock();
      orThrow(await engine.run(inputs));
      if (round >= 0) times.push(clock() - start);
    }
  for (const { engine } of opened) engine.close();
  const [routed, whole] = opened;
  const ratio = (a: number, b: number): string => (a / b).toFixed(2);
  return [
    kernels.padEnd(5),
    String(rows).padStart(5),
    ...[routed, whole].map(({ times }) => `${median(times).toFixed(2)} ms`.padStart(10)),
    median(ratiosTo(routed.times, whole.times)).toFixed(2).padStart(7),
    ...[routed, whole].map(({ cost }) => `${(cost.bytes / 1e6).toFixed(1)} MB`.padStart(10)),
    ratio(routed.cost.bytes, whole.cost.bytes).padStart(7),
    ratio(routed.cost.flops, whole.cost.flops).padStart(7),
  ].join(" ");
}

const named = process.argv.slice(2).filter((word): word is TargetName => word === "wasm" || word === "ts");
const at = process.argv.indexOf("--rows");
const rowCounts = at < 0 ? [1, 16, 128] : process.argv[at + 1]!.split(",").map(Number);

console.log(
  `${depth} layers of width ${dim}: ${top_k} of ${experts} experts of ${hidden} beside one block of ${top_k * hidden}; weights in ${scheme ?? "f32"}, ${isKept ? "where the last runs left them" : "from memory"}; one thread, time on the processor, medians of turns\n`,
);
console.log("       rows    experts      dense   ratio    experts      dense   bytes   FLOPs");
for (const kernels of named.length > 0 ? named : (["wasm", "ts"] as const))
  for (const rows of rowCounts) console.log(await compare(kernels, rows));
