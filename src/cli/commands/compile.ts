import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileProblem, writeAtomically } from "../../checkpoint/files.ts";
import { emitTypeScript, type EmittedFile } from "../../emit/ts/emit.ts";
import type { Plan } from "../../plan/plan.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { loadModel } from "../load.ts";
import { modelArgument, modelOptions, passOptions, type ModelOptions } from "../source.ts";
import { Stop } from "../stop.ts";
import { showBytes } from "../numbers.ts";
import { wgslOptionSpecs, wgslOptionsOf, type WgslChoices } from "../targets.ts";

interface CompileCommandOptions extends ModelOptions, WgslChoices {
  readonly target: "ts" | "js" | "wgsl" | "wgsl-js";
  readonly out: string;
  readonly json?: true;
}

export const command: Command = {
  arguments: [modelArgument],
  options: [
    ...modelOptions,
    {
      flags: "--target <target>",
      description: "what to write: a module for the CPU, or for WebGPU with its shaders; typed or not",
      choices: ["ts", "js", "wgsl", "wgsl-js"],
      default: "ts",
    },
    { flags: "-o, --out <folder>", description: "where to write it", default: "out" },
    { flags: "--json", description: "what was written, as JSON" },
    ...wgslOptionSpecs,
    ...passOptions,
  ],
  examples: [
    ["lmg compile model.lmg -o out/", "write out/model.ts: typed, standalone, with no import of lmg"],
    ["lmg compile model.lmg --target js --config config.json", "plain JavaScript, for a published config"],
    [
      "lmg compile model.lmg --target wgsl -o out/",
      "write out/model.ts: shaders and the WebGPU code that runs them",
    ],
  ],
  async run([path], options: CompileCommandOptions, out) {
    const { plan } = await loadModel(path!, options, out);
    const files = await emit(plan, options);
    const written = writeFiles(options.out, files);
    if (options.json === true) {
      out.write(`${JSON.stringify({ files: written, steps: plan.steps.length }, null, 2)}\n`);
      return;
    }
    for (const { path: file, bytes } of written)
      out.write(`wrote ${file} (${showBytes(bytes)}, ${plural(plan.steps.length, "step")})\n`);
  },
};

/** A target is loaded when it is asked for. */
async function emit(plan: Plan, options: CompileCommandOptions): Promise<readonly EmittedFile[]> {
  const { target } = options;
  if (target === "ts" || target === "js") return emitTypeScript(plan, { types: target === "ts" }).files;
  const { emitWgsl } = await import("../../emit/wgsl/emit.ts");
  const { requireKernels } = await import("../plan/dispatches.ts");
  requireKernels(plan);
  return emitWgsl(plan, { ...wgslOptionsOf(options), types: target === "wgsl" }).files;
}

/** Each file is written whole or not at all. */
export function writeFiles(
  folder: string,
  files: readonly { readonly path: string; readonly text: string }[],
): readonly { readonly path: string; readonly bytes: number }[] {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Stop([fileProblem("write", folder, error)]);
  }
  return files.map(({ path, text }) => {
    const target = join(folder, path);
    const problem = writeAtomically(target, text);
    if (problem !== undefined) throw new Stop([problem]);
    return { path: target, bytes: Buffer.byteLength(text) };
  });
}
