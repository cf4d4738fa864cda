import { existsSync, readFileSync, readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { TextOut } from "../../src/cli/out.ts";
import { runProgram } from "../../src/cli/program.ts";
import { readConfig } from "../../src/checkpoint/config.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { orThrow, Problem } from "../../src/checkpoint/problem.ts";
import { dawnAdapter } from "../../src/run/dawn.ts";
import type { Engine } from "../../src/run/engine.ts";
import { openEngine } from "../../src/run/engines.ts";
import { interpreterEngine } from "../../src/run/interpreter-engine.ts";
import { matchWeights } from "../../src/run/weights.ts";
import { compile } from "../../src/compile.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { goldenCases } from "../ops/golden.ts";
import { relativeDifference, runCase } from "./run.ts";

/** The bound that every figure must keep: relative for modules, absolute for logits. */
const LIMIT = 1e-4;

/** Shaders compile ten times faster on SwiftShader with this: `test/webgpu/device.ts` says why. */
const dawn = ["disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension"];

/** Where a comparison writes its lines, and how many of them differ. */
export class Comparison {
  readonly #print: (line: string) => void;
  compared = 0;
  different = 0;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  report(name: string, engine: string, difference: number): void {
    const bad = !(difference < LIMIT);
    this.compared++;
    if (bad) this.different++;
    this.#print(
      `${bad ? "DIFFERS" : "ok     "} ${difference.toExponential(1)}  ${engine.padEnd(28)} ${name}`,
    );
  }

  say(line: string): void {
    this.#print(line);
  }
}

/** Every case of `torch/` in the folder that the language has a form of. */
export async function compareModules(folder: string, comparison: Comparison): Promise<void> {
  const base = pathToFileURL(`${folder}/torch/`);
  const groups = readdirSync(base).flatMap((file) => /^(\w+)\.json$/.exec(file)?.[1] ?? []);
  for (const group of groups) {
    if (!existsSync(new URL(`${group}.safetensors`, base))) continue;
    for (const found of goldenCases(group, base).values())
      for (const { engine, relative } of (await runCase(found)) ?? [])
        comparison.report(`${group}/${found.name}`, engine, relative);
  }
}

/** Tokens, with logits after each in float64, or with the text that is likeliest to follow. */
export interface Story {
  readonly prompt: string;
  readonly tokens: readonly number[];
  readonly logits_shape?: readonly number[];
  readonly logits?: readonly number[];
  readonly greedy_min_margin?: number;
  readonly greedy_text?: string;
}

/** The logits and the greedy texts of a Llama checkpoint with its `golden.json`. */
export async function compareStories(
  path: string,
  withShaders: boolean,
  comparison: Comparison,
): Promise<void> {
  const config = readConfig(readFileSync(`${path}/config.json`), path);
  if (config instanceof Problem) throw new Error(config.message);
  const source = { name: "examples/llama.lmg", text: readFileSync("examples/llama.lmg", "utf8") };
  const { model, graph, plan } = compile(source, { config });
  const weights = orThrow(matchWeights(model!.graph, orThrow(openCheckpoint(path))));
  const engines = [
    ["interpreter", orThrow(interpreterEngine(model!.graph, weights))],
    ["interpreter after the passes", orThrow(interpreterEngine(graph!, weights))],
    ["plan", orThrow(await openEngine("ts", plan!, weights))],
    ...(withShaders
      ? ([
          ["wgsl", orThrow(await openEngine("wgsl", plan!, weights, { adapter: dawnAdapter(dawn) }))],
        ] as const)
      : []),
  ] as const;
  const { cases } = JSON.parse(readFileSync(`${path}/golden.json`, "utf8")) as { cases: readonly Story[] };
  for (const story of cases) {
    for (const [name, engine] of engines) await compareLogits(story, name, engine, comparison);
    await compareText(story, path, "ts", comparison);
    if (withShaders) await compareText(story, path, "wgsl", comparison);
  }
}

async function compareLogits(
  { prompt, tokens, logits_shape, logits }: Story,
  name: string,
  engine: Engine,
  comparison: Comparison,
): Promise<void> {
  if (logits === undefined || logits_shape === undefined) return;
  const inputs = new Map([["tokens", hostTensor("i32", [1, tokens.length], tokens)]]);
  const found = orThrow(await engine.run(inputs)).get("logits")!;
  const expected = hostTensor("f32", [1, ...logits_shape], logits);
  const largest = logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
  comparison.report(
    `logits of ${JSON.stringify(prompt)}, absolute`,
    name,
    relativeDifference(found, expected) * largest,
  );
}

/** A margin below this cannot be told apart in float32, so the text may differ. */
const MARGIN = 1e-3;

async function compareText(
  { prompt, tokens, greedy_text, greedy_min_margin }: Story,
  path: string,
  target: "ts" | "wgsl",
  comparison: Comparison,
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
    ...(target === "wgsl" ? dawn.flatMap((option) => ["--dawn", option]) : []),
  ];
  const code = await runProgram(args, out);
  const same = code === 0 && out.text.includes(greedy_text.trim());
  comparison.report(`greedy text of ${JSON.stringify(prompt)}`, target, same ? 0 : Infinity);
  if (!same)
    comparison.say(
      `expected ${JSON.stringify(greedy_text)}\nfound    ${JSON.stringify(out.text)}, exit code ${code}, ${out.notes}`,
    );
}
