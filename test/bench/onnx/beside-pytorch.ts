import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "../cpu/machine.ts";
import { inTurns, readResult, type Time } from "../cpu/measure.ts";
import { nodeChild } from "../cpu/node.ts";
import { differenceOf } from "../cpu/parity.ts";
import type { Child } from "../child.ts";
import { wholeNumber } from "../options.ts";
import { median, ratiosTo, spreadOf } from "../statistics.ts";

/*
 * Models as lmg writes them for ONNX beside the same models and weights as PyTorch's own exporter writes them, in onnxruntime-web and
 * onnxruntime-node, one thread, in turns; their outputs are compared whole.
 *
 *     npm install --prefix test/bench/cpu
 *     python test/bench/onnx/pytorch_models.py FOLDER          # torch, transformers, onnxscript; once
 *     npx tsx test/bench/onnx/beside-pytorch.ts FOLDER [--rows PATTERN] [--only web|node]
 *         [--rounds N] [--ms N]
 */

/** Twelve and thirty layers of float32 sums, each in its own order, of the largest element. */
const ROUNDING = 5e-5;

/** The output that both have, where lmg's model has several. */
const models = { gpt2: [], bert: ["--output", "hidden_states"], llama: [] } as const;
const runtimes = ["web", "node"] as const;
const exporters = ["lmg", "pytorch"] as const;
const shapes = [
  [1, 16],
  [1, 128],
] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string", default: "" },
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "7" },
    ms: { type: "string", default: "300" },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("name the folder that pytorch_models.py wrote");
const [rounds, ms] = [wholeNumber("rounds", values), wholeNumber("ms", values)];

async function ask<T>(child: Child, request: object): Promise<T> {
  const answer = (await child.ask(request)) as { readonly error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer as T;
}

function compile(model: keyof typeof models): void {
  const given = ["compile", join(folder!, model), "--target", "onnx", ...models[model]];
  const out = ["-o", join(folder!, model, "lmg")];
  const { status } = spawnSync(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...given, ...out]);
  if (status !== 0) throw new Error(`lmg ${given.join(" ")} ended with ${status}`);
}

async function opened(model: string, exporter: string, runtime: string): Promise<Child> {
  const child = nodeChild("node", [join(import.meta.dirname, "../cpu/peers/exported.js"), runtime]);
  await child.next();
  await ask(child, { load: "model", files: { path: join(folder!, model, exporter, "model.onnx") } });
  return child;
}

const showRatio = (taken: readonly number[], base: readonly number[]): string => {
  const { median: middle, min, max } = spreadOf(ratiosTo(taken, base));
  return `**${middle.toFixed(2)}** (${min.toFixed(2)}–${max.toFixed(2)})`;
};

async function measure(model: string, runtime: string, shape: readonly number[], place: string) {
  const { vocab_size: vocab } = JSON.parse(readFileSync(join(folder!, model, "config.json"), "utf8")) as {
    vocab_size: number;
  };
  const children = await Promise.all(exporters.map((exporter) => opened(model, exporter, runtime)));
  const results: Float32Array[] = [];
  for (const child of children) {
    await ask(child, { prepare: "run", model: "model", run: { shape, vocab } });
    await ask(child, { time: "run", ms: 500, least: 2 });
    await ask(child, { result: "run", path: place });
    results.push(readResult(place));
  }
  const times = await inTurns(children, rounds, async (child): Promise<Time> => {
    const taken = await ask<{ ms: readonly number[]; cpu: number }>(child, { time: "run", ms, least: 1 });
    return { ms: median(taken.ms), cpu: taken.cpu };
  });
  for (const child of children) child.close();
  await Promise.all(children.map(({ ended }) => ended));
  const [own, other] = children.map((child) => times.get(child)!);
  const of = (kind: keyof Time, taken: readonly Time[]): number[] => taken.map((time) => time[kind]!);
  const difference = differenceOf(results[1]!, results[0]!);
  const cells = [
    `${model}, [${shape.join(", ")}]`,
    `onnxruntime-${runtime}`,
    `${median(of("cpu", own!)).toPrecision(3)} ms`,
    showRatio(of("cpu", other!), of("cpu", own!)),
    showRatio(of("ms", other!), of("ms", own!)),
    difference.toExponential(1),
  ];
  console.log(`| ${cells.join(" | ")} |`);
  if (!(difference <= ROUNDING)) throw new Error(`${cells[0]}: outputs are ${difference} apart`);
}

console.log(
  `This run: ${describeMachine()}; Node ${process.versions.node}; ${rounds} rounds, processor time\n`,
);
console.log(
  "| | | lmg's | PyTorch's exporter / lmg's: processor time | by the clock | apart |\n|---|---|---:|---:|---:|---:|",
);
const temporary = mkdtempSync(join(tmpdir(), "lmg-onnx-"));
for (const model of Object.keys(models) as (keyof typeof models)[]) {
  if (!shapes.some((shape) => new RegExp(values.rows).test(`${model} ${shape[1]}`))) continue;
  compile(model);
  for (const runtime of runtimes.filter((each) => each.includes(values.only)))
    for (const shape of shapes)
      if (new RegExp(values.rows).test(`${model} ${shape[1]}`))
        await measure(model, runtime, shape, join(temporary, "result.bin"));
}
rmSync(temporary, { recursive: true });
