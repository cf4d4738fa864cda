// What add+norm fusion saves: steps and bytes of each example, from the plan, as the table in docs/fusion.md.
//
//     npx tsx test/bench/fusion.ts            the table
//     npx tsx test/bench/fusion.ts --time     and the time of both plans, interleaved, at a small size, one thread;
//                                             --time ts: of the kernels in TypeScript
//     npx tsx test/bench/fusion.ts --share    which part of the time of the plan that is not fused its joins, norms and other
//                                             loops take, at the same size: what fusion could save at most
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { compile } from "../../src/compile.ts";
import { randomInputs } from "../../src/ir/initialize.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { targets, type TargetName } from "../../src/emit/targets.ts";
import type { Target } from "../../src/kernels/target.ts";
import { openEngine } from "../../src/run/engines.ts";
import { randomWeights } from "../../src/run/weights.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { activationBytes } from "../../src/plan/stats.ts";

/** Where the norms stand in each, and what is set to keep the timed ones small: width 256, 4 layers. */
const examples = [
  ["gpt2", "pre", { dim: 256, depth: 4, heads: 4, vocab: 1000, ctx: 256 }],
  ["llama", "pre", { dim: 256, hidden: 688, depth: 4, heads: 4, vocab: 1000 }],
  ["qwen3", "pre", { dim: 256, hidden: 768, depth: 4, heads: 4, kv_heads: 2, head_dim: 64, vocab: 1000 }],
  ["granite", "pre, branch gain", { dim: 256, hidden: 688, depth: 4, heads: 4, kv_heads: 2, vocab: 1000 }],
  ["gptj", "pre, parallel", { dim: 256, depth: 4, heads: 4, rotary: 32, vocab: 1000 }],
  ["neox", "pre, parallel, two norms", { dim: 256, hidden: 1024, depth: 4, heads: 4, vocab: 1000 }],
  ["cohere", "pre, two edges", { dim: 256, hidden: 688, depth: 4, heads: 4, vocab: 1000 }],
  ["bert", "post", { dim: 256, hidden: 1024, depth: 4, heads: 4, vocab: 1000 }],
  ["deepnorm", "post, skip gain", { dim: 256, depth: 4, heads: 4 }],
  ["olmo2", "out", { dim: 256, hidden: 688, depth: 4, heads: 4, vocab: 1000 }],
  [
    "gemma2",
    "sandwich",
    { dim: 256, hidden: 688, depth: 4, heads: 4, kv_heads: 2, head_dim: 64, vocab: 1000 },
  ],
] as const;

const sizes = new Map([
  ["B", 1],
  ["T", 128],
]);

type Settings = Readonly<Record<string, number>>;

function planOf(name: string, fuse: boolean, settings: Settings = {}, target?: Target) {
  const source = { name: `${name}.lmg`, text: readFileSync(`examples/${name}.lmg`, "utf8") };
  const { model, plan } = compile(source, { fuse, settings, ...(target && { target }) });
  return { graph: model!.graph, plan: plan! };
}

/** The table of docs/fusion.md, in Markdown. */
export function fusionTable(): string {
  const rows = examples.map(([name, placement]) => {
    const [fused, plain] = [planOf(name, true).plan, planOf(name, false).plan];
    const share = activationBytes(fused, sizes) / activationBytes(plain, sizes);
    const mib = (plan: Plan): string => (activationBytes(plan, sizes) / 2 ** 20).toFixed(0);
    return (
      `| ${name} | ${placement} | ${plain.steps.length} → ${fused.steps.length} ` +
      `| ${mib(plain)} → ${mib(fused)} | ${(100 * (1 - share)).toFixed(0)} % |`
    );
  });
  return [
    "| example | norms | steps | activations moved, MiB | saved |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

/** Both plans of a model, one after the other in each round. */
async function timeBoth(name: string, settings: Settings, kernels: TargetName): Promise<string> {
  const rounds = kernels === "ts" ? 15 : 101;
  const open = async (fuse: boolean) => {
    const { graph, plan } = planOf(name, fuse, settings, targets[kernels].target({}));
    const engine = orThrow(await openEngine(kernels, plan, randomWeights(graph, 1), { threads: 1 }));
    const inputs = new Map(Object.entries(randomInputs(graph, sizes, 1)));
    return { engine, run: async () => orThrow(await engine.run(inputs)), times: [] as number[] };
  };
  const runs = [await open(true), await open(false)];
  for (const { run } of runs) for (let warm = 0; warm < rounds / 10; warm++) await run();
  for (let round = 0; round < rounds; round++)
    for (const { run, times } of round % 2 === 0 ? runs : runs.toReversed()) {
      const start = performance.now();
      await run();
      times.push(performance.now() - start);
    }
  for (const { engine } of runs) engine.close();
  const ratios = runs[0]!.times.map((time, round) => runs[1]!.times[round]! / time);
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const [fused, plain] = runs.map(({ times }) => median(times).toFixed(2));
  return `${name.padEnd(10)} ${plain!.padStart(8)} ms → ${fused!.padStart(8)} ms   ${median(ratios).toFixed(3)} ×`;
}

interface TimedStep {
  readonly kernel: string;
  readonly seconds: number;
}

/** What is no join, no norm and no other loop over elements, by the words of its kernel. */
const isOther = ({ kernel }: TimedStep): boolean => /linear|matmul|attend|embedding|rope/.test(kernel);

/** The steps of a plan without fusion, each timed by itself. */
function shareOf(name: string, settings: Settings): string {
  const set = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const bench = ["src/cli/main.ts", "bench", `examples/${name}.lmg`, "--no-fuse", "--random", "1"];
  const how = ["--dims", "B=1,T=128", "--threads", "1", "--rounds", "21", "--json"];
  const text = execFileSync(process.execPath, [...process.execArgv, ...bench, ...how, ...set], {
    encoding: "utf8",
  });
  const { targets } = JSON.parse(text) as { targets: [{ steps: readonly TimedStep[] }] };
  const [{ steps }] = targets;
  const secondsOf = (some: readonly TimedStep[]): number =>
    some.reduce((sum, { seconds }) => sum + seconds, 0);
  const loops = secondsOf(steps.filter((step) => !isOther(step))) / secondsOf(steps);
  return `${name.padEnd(10)} ${(1e3 * secondsOf(steps)).toFixed(1).padStart(6)} ms   ${(100 * loops).toFixed(1).padStart(4)} %   ${(1 / (1 - loops)).toFixed(3)} × at most`;
}

if (process.argv[1]?.endsWith("fusion.ts") === true) {
  console.log(fusionTable());
  if (process.argv.includes("--share")) {
    console.log(
      "\nwasm, width 256, 4 layers, B = 1, T = 128, one thread, not fused: all steps, and what of it is loops",
    );
    for (const [name, , settings] of examples) console.log(shareOf(name, settings));
  }
  const time = process.argv.indexOf("--time");
  if (time > 0) {
    const kernels = process.argv[time + 1] === "ts" ? "ts" : "wasm";
    console.log(
      `\n${kernels}, width 256, 4 layers, B = 1, T = 128, one thread; medians of interleaved runs, not fused → fused, and how many times as fast`,
    );
    for (const [name, , settings] of examples) console.log(await timeBoth(name, settings, kernels));
  }
}
