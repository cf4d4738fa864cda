// What add+norm fusion saves: steps and bytes of each example, from the plan, as the table in the README.
//
//     npx tsx test/bench/fusion.ts            the table
//     npx tsx test/bench/fusion.ts --time     and the time of both plans, interleaved, at a small size
import { readFileSync } from "node:fs";
import { compile } from "../../src/compile.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { activationBytes } from "../../src/plan/stats.ts";
import type { HostTensor } from "../../src/tensor/host.ts";

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

function planOf(name: string, fuse: boolean, settings: Settings = {}) {
  const source = { name: `${name}.lmg`, text: readFileSync(`examples/${name}.lmg`, "utf8") };
  const { model, plan } = compile(source, { fuse, settings });
  return { graph: model!.graph, plan: plan! };
}

/** The table in the README, in Markdown. */
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

interface Emitted {
  readonly createModel: (weights: Readonly<Record<string, HostTensor>>) => {
    readonly run: (inputs: Readonly<Record<string, HostTensor>>) => unknown;
  };
}

async function timeBoth(name: string, settings: Settings): Promise<string> {
  const rounds = 15;
  const runs = await Promise.all(
    [true, false].map(async (fuse) => {
      const { graph, plan } = planOf(name, fuse, settings);
      const text = emitTypeScript(plan, { types: false }).files[0]!.text;
      const url = `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
      const model = ((await import(url)) as Emitted).createModel(randomParameters(graph, 1));
      const inputs = randomInputs(graph, sizes, 1);
      return { run: () => model.run(inputs), times: [] as number[] };
    }),
  );
  for (const { run } of runs) run();
  for (let round = 0; round < rounds; round++)
    for (const { run, times } of runs) {
      const start = performance.now();
      run();
      times.push(performance.now() - start);
    }
  const ratios = runs[0]!.times.map((time, round) => time / runs[1]!.times[round]!);
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const [fused, plain] = runs.map(({ times }) => median(times).toFixed(1));
  return `${name.padEnd(10)} ${plain!.padStart(8)} ms → ${fused!.padStart(8)} ms   ratio ${median(ratios).toFixed(3)}`;
}

if (process.argv[1]?.endsWith("fusion.ts") === true) {
  console.log(fusionTable());
  if (process.argv.includes("--time")) {
    console.log("\nwidth 256, 4 layers, B = 1, T = 128; medians of 15 interleaved runs, not fused → fused");
    for (const [name, , settings] of examples) console.log(await timeBoth(name, settings));
  }
}
