// Time of one GPT-2 block (width 768, 12 heads) as an emitted module, fused and not: `npx tsx test/bench/plan.ts`.
// Rounds are interleaved; medians.
import { readFileSync } from "node:fs";
import { compile } from "../../src/compile.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { planStats } from "../../src/plan/stats.ts";

interface Module {
  readonly createModel: (weights: object) => { readonly run: (inputs: object) => unknown };
}

const source = { name: "gpt2.lmg", text: readFileSync("examples/gpt2.lmg", "utf8") };
const settings = { depth: 1, vocab: 64, ctx: 512 };
const rounds = 9;

async function modelOf(fuse: boolean) {
  const { graph, plan } = compile(source, { fuse, settings });
  const script = emitTypeScript(plan!, { types: false }).files[0]!.text;
  const url = `data:text/javascript;base64,${Buffer.from(script).toString("base64")}`;
  const { createModel } = (await import(url)) as Module;
  const weights = Object.fromEntries(
    Object.entries(randomParameters(graph!, 1)).map(([name, { data, shape }]) => [
      name,
      { data: Float32Array.from(data), shape },
    ]),
  );
  return { graph: graph!, plan: plan!, run: createModel(weights).run };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const models = [
  { name: "fused", ...(await modelOf(true)) },
  { name: "not fused", ...(await modelOf(false)) },
];
console.log("tokens  plan        steps   MFLOP   MB moved   arena MB   median ms    GF");
for (const T of [1, 16, 128, 512]) {
  const sizes = new Map([
    ["B", 1],
    ["T", T],
  ]);
  const inputs = randomInputs(models[0]!.graph, sizes, 2);
  const times = models.map(() => [] as number[]);
  const repeats = Math.max(1, Math.round(32 / T));
  for (let round = 0; round < rounds; round++)
    models.forEach(({ run }, index) => {
      const start = performance.now();
      for (let i = 0; i < repeats; i++) run(inputs);
      times[index]!.push((performance.now() - start) / repeats);
    });
  models.forEach(({ name, plan }, index) => {
    const { steps, flops, bytesMoved, arenaBytes } = planStats(plan, sizes);
    const time = median(times[index]!);
    const cells = [
      String(steps).padStart(5),
      (flops / 1e6).toFixed(0).padStart(8),
      (bytesMoved / 1e6).toFixed(1).padStart(10),
      (arenaBytes / 1e6).toFixed(2).padStart(10),
      time.toFixed(2).padStart(11),
      (flops / time / 1e6).toFixed(2).padStart(6),
    ];
    console.log(`${String(T).padStart(6)}  ${name.padEnd(10)} ${cells.join(" ")}`);
  });
}
