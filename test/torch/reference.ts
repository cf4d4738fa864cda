// A second opinion: compares lmg with golden values that are not part of this repository.
//
//     npx tsx test/torch/reference.ts FOLDER [--wgsl]
//
// FOLDER holds `torch/*.json` and `.safetensors` in the form of `test/golden/torch`, and `stories260K/` with a Llama
// checkpoint and its `golden.json` (prompts as tokens, float64 logits, greedy text). Exits with 1 if anything differs.
// With --wgsl the stories are also told by shaders.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { TextOut } from "../../src/cli/out.ts";
import { runProgram } from "../../src/cli/program.ts";
import { readConfig } from "../../src/checkpoint/config.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { interpreterEngine, planEngine } from "../../src/cli/run/engine.ts";
import { wgslEngine } from "../../src/cli/run/wgsl-engine.ts";
import { openWeights } from "../../src/cli/run/weights.ts";
import { compile } from "../../src/compile.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { goldenCases } from "../ops/golden.ts";
import { executionDevice } from "../webgpu/device.ts";
import { relativeDifference, runCase } from "./run.ts";

/** The bound that every figure must keep: relative for modules, absolute for logits. */
const LIMIT = 1e-4;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: npx tsx test/torch/reference.ts FOLDER [--wgsl]");
const withShaders = process.argv.includes("--wgsl");
if (withShaders && (await executionDevice()) === undefined) throw new Error("there is no WebGPU adapter");
/** Shaders compile ten times faster on SwiftShader with this: `test/webgpu/device.ts` says why. */
const dawn = ["disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension"];
let failures = 0;

function report(name: string, engine: string, difference: number): void {
  const bad = !(difference < LIMIT);
  if (bad) failures++;
  console.log(`${bad ? "DIFFERS" : "ok     "} ${difference.toExponential(1)}  ${engine.padEnd(28)} ${name}`);
}

async function compareModules(): Promise<void> {
  const base = pathToFileURL(`${folder}/torch/`);
  const groups = readdirSync(base).flatMap((file) => /^(\w+)\.json$/.exec(file)?.[1] ?? []);
  for (const group of groups) {
    if (!existsSync(new URL(`${group}.safetensors`, base))) continue;
    for (const found of goldenCases(group, base).values())
      for (const { engine, relative } of (await runCase(found)) ?? [])
        report(`${group}/${found.name}`, engine, relative);
  }
}

interface Story {
  readonly prompt: string;
  readonly tokens: readonly number[];
  readonly logits_shape: readonly number[];
  readonly logits: readonly number[];
  readonly greedy_min_margin?: number;
  readonly greedy_text?: string;
}

async function compareStories(): Promise<void> {
  const path = `${folder}/stories260K`;
  const config = readConfig(readFileSync(`${path}/config.json`), path);
  if (config instanceof Problem) throw new Error(config.message);
  const source = { name: "examples/llama.lmg", text: readFileSync("examples/llama.lmg", "utf8") };
  const { model, graph, plan } = compile(source, { config });
  const weights = openWeights(model!.graph, path, {});
  const engines = [
    ["interpreter", interpreterEngine(model!.graph, weights)],
    ["interpreter after the passes", interpreterEngine(graph!, weights)],
    ["plan", await planEngine(plan!, weights)],
    ...(withShaders ? ([["wgsl", await wgslEngine(plan!, weights, {}, { dawn })]] as const) : []),
  ] as const;
  const { cases } = JSON.parse(readFileSync(`${path}/golden.json`, "utf8")) as { cases: readonly Story[] };
  for (const story of cases) {
    const tokens = hostTensor("i32", [1, story.tokens.length], story.tokens);
    const expected = hostTensor("f32", [1, ...story.logits_shape], story.logits);
    for (const [name, engine] of engines) {
      const logits = (await engine.run(new Map([["tokens", tokens]]))).get("logits")!;
      const largest = story.logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
      report(
        `logits of ${JSON.stringify(story.prompt)}, absolute`,
        name,
        relativeDifference(logits, expected) * largest,
      );
    }
    await compareText(story, path, "ts");
    if (withShaders) await compareText(story, path, "wgsl");
  }
}

/** A margin below this cannot be told apart in float32, so the text may differ. */
const MARGIN = 1e-3;

async function compareText(
  { prompt, tokens, greedy_text, greedy_min_margin }: Story,
  path: string,
  target: "ts" | "wgsl",
): Promise<void> {
  if (greedy_text === undefined || (greedy_min_margin ?? 0) < MARGIN) return;
  const out = new TextOut();
  const args = [
    "run",
    "examples/llama.lmg",
    "--weights",
    path,
    "--tokens",
    tokens.join(","),
    "--generate",
    "64",
    "--target",
    target,
    ...dawn.flatMap((option) => ["--dawn", option]),
  ];
  await runProgram(args, out);
  const same = out.text.includes(greedy_text.trim());
  report(`greedy text of ${JSON.stringify(prompt)}`, target, same ? 0 : Infinity);
  if (!same) console.log(`expected ${JSON.stringify(greedy_text)}\nfound    ${JSON.stringify(out.text)}`);
}

await compareModules();
await compareStories();
console.log(failures === 0 ? "all agree" : `${failures} differ`);
process.exitCode = failures === 0 ? 0 : 1;
