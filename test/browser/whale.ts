import { readFileSync } from "node:fs";
import { readConfig } from "../../src/checkpoint/config.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { compile, type CompileOptions } from "../../src/compile.ts";

export const folder = "examples/weights/whale";
export const weights = readFileSync(`${folder}/model.safetensors`);

/** The shipped model, as a target plans it. */
export function compileWhale(options: Pick<CompileOptions, "target"> = {}) {
  const config = orThrow(readConfig(readFileSync(`${folder}/config.json`), folder));
  const source = { name: "examples/llama.lmg", text: readFileSync("examples/llama.lmg", "utf8") };
  const { model, plan } = compile(source, { ...options, config });
  return { graph: model!.graph, plan: plan! };
}
