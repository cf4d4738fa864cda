import { dirname, join } from "node:path";
import { writeFile, type FileContent } from "../../checkpoint/files.ts";
import { makeFolder } from "../../checkpoint/files/folders.ts";
import type { EmittedFile } from "../../emit/module/file.ts";
import { targets, type Switches, type TargetName } from "../../emit/targets.ts";
import type { ProgramPlan } from "../../plan/plan.ts";
import type { Source } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { compileQuantizeOptions, packedGraph, planPacked } from "../compile/packed.ts";
import { exportEngines } from "../compile/exports.ts";
import type { FolderFile } from "../compile/folder-files.ts";
import { ONNX, onnxOptions, type OnnxChoice } from "../compile/onnx-options.ts";
import { pageOptions, requirePage, type PageChoice } from "../compile/page-options.ts";
import { decodingOptions, type DecodingChoice } from "../decoding.ts";
import { loadModel } from "../load.ts";
import { modelOrRunArgument, modelOptions, outputOption, passOptions, type ModelOptions } from "../source.ts";
import { openPlace, stdinOption, type StdinOptions } from "../places.ts";
import { writeJson, type Out } from "../out.ts";
import { Stop, stop } from "../stop.ts";
import { showBytes } from "../numbers.ts";
import { defaultTarget, kernelNames, requireTaken, switchOptions, writtenForms } from "../targets.ts";

interface CompileCommandOptions
  extends ModelOptions, StdinOptions, Switches, PageChoice, DecodingChoice, Pick<OnnxChoice, "opset"> {
  readonly train?: true;
  readonly sessions?: true;
  readonly generate?: true;
  readonly seed?: string;
  /** A key of `writtenForms` or of `exportEngines`, or `KERAS`. */
  readonly target: string;
  readonly kernels?: TargetName;
  readonly out: string;
  readonly json?: true;
}

/** A file for Keras, which is no module. */
const KERAS = "keras";

/** A folder with a model's code for transformers, and its weights. */
const TRANSFORMERS = "transformers";

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    ...modelOptions,
    outputOption,
    {
      flags: "--target <target>",
      description:
        "the language to write, and for what: TypeScript or JavaScript for the CPU, or for WebGPU with shaders; " +
        [...exportEngines].map(([name, { writes }]) => `${name}: ${writes}`).join("; ") +
        `; ${TRANSFORMERS}: a folder that from_pretrained takes; ${KERAS}: a .keras file with the weights; ` +
        "onnx: model.onnx for the run times that read it",
      choices: [...writtenForms.keys(), ...exportEngines.keys(), TRANSFORMERS, KERAS, ONNX],
      default: targets[defaultTarget].forms.typed,
    },
    {
      flags: "--kernels <kernels>",
      description: `ts, js: how the kernels are written; ${kernelNames.map((name) => `${name} as ${targets[name].writes}`).join(", ")}; ${defaultTarget} if not given`,
      choices: kernelNames,
    },
    { flags: "-o, --out <folder>", description: "where to write it", default: "out" },
    {
      flags: "--train",
      description: "a module that trains the model: a step, what adds up gradients, and the evaluation",
    },
    {
      flags: "--sessions",
      description: "also what reads a text a few positions at a time: model.session(), and generate()",
    },
    ...decodingOptions.map((each) => ({ ...each, description: `with --sessions: ${each.description}` })),
    ...compileQuantizeOptions,
    { flags: "--seed <number>", description: "with --train: draw a state to begin with, and write it too" },
    {
      flags: "--generate",
      description:
        "a folder that is a page which writes texts: modules, weights, tokenizer, a worker, a typed API and an index.html",
    },
    ...pageOptions,
    ...onnxOptions,
    { flags: "--json", description: "what was written, as JSON" },
    stdinOption,
    ...switchOptions,
    ...passOptions,
  ],
  examples: [
    ["lmg compile model.lmg -o out/", "write out/model.ts: typed, standalone, with no import of lmg"],
    ["lmg compile model.lmg --target js --config config.json", "plain JavaScript, for a published config"],
    [
      "lmg compile model.lmg --target wgsl -o out/",
      "write out/model.wgsl.ts: shaders and the WebGPU code that runs them",
    ],
    ["lmg compile gpt2.lmg --sessions -o out/", "a module that goes on with texts, token by token"],
    ["lmg compile gpt2.lmg --quantize int8 -o out/", "a module that keeps its matrices in 8 bits"],
    [
      "lmg compile FOLDER --generate -o talk/",
      "a page that talks, of a published checkpoint: serve talk/ and open it",
    ],
    ["lmg compile RUN --target keras -o out/", "write out/model.keras, which Keras 3 loads"],
    [
      "lmg compile model.lmg --target torch -o out/",
      "write out/model.py, and with a train section train.py, which runs on one process or under torchrun on many",
    ],
    [
      "lmg compile RUN --target transformers -o out/",
      "a folder that AutoModelForCausalLM.from_pretrained takes, with trust_remote_code=True, whatever the model is",
    ],
    [
      "lmg compile model.lmg --train --seed 1 -o out/",
      "write out/model_training.ts and a state to train from",
    ],
    [
      "lmg compile FOLDER --target onnx -o FOLDER",
      "write FOLDER/model.onnx, which points into the weights beside it",
    ],
    [
      "lmg compile FOLDER --target onnx --generate -o texts/",
      "a folder that transformers.js writes texts by",
    ],
  ],
  async run([given], asked: CompileCommandOptions, out) {
    if (asked.target === KERAS) {
      const other = (["train", "sessions", "generate", "kernels", "quantize"] as const).find(
        (flag) => asked[flag] !== undefined,
      );
      if (other !== undefined)
        stop("E804", `--${other} is for modules, and a .keras file is none`, "leave it off");
      const { kerasFile } = await import("../compile/keras.ts");
      for (const { path, bytes } of writeFiles(asked.out, [await kerasFile(given!, asked, out)]))
        out.write(`wrote ${path} (${showBytes(bytes)})\n`);
      return;
    }
    if (asked.target === ONNX) {
      const { compileOnnx } = await import("../compile/onnx.ts");
      tellFiles(await compileOnnx(given!, asked, out), asked, out);
      return;
    }
    if (asked.opset !== undefined) stop("E804", "--opset is for ONNX", "give --target onnx too");
    if (asked.target === TRANSFORMERS) {
      requireNoModule(asked);
      const { compileTransformers } = await import("../compile/transformers.ts");
      tellFiles(await compileTransformers(given!, asked, out), asked, out);
      return;
    }
    if (asked.generate === true) {
      await compilePage(given!, asked, out);
      return;
    }
    requirePage(asked);
    const { source, options } = await openPlace(given!, asked, out);
    const files = await compileFiles(source, options, out);
    const written = writeFiles(options.out, files);
    if (options.json === true) {
      const steps = files.find((file) => file.steps !== undefined)?.steps;
      writeJson(out, { files: written, steps });
      return;
    }
    written.forEach(({ path: file, bytes }, index) => {
      const { steps } = files[index]!;
      out.write(
        `wrote ${file} (${showBytes(bytes)}${steps === undefined ? "" : `, ${plural(steps, "step")}`})\n`,
      );
    });
  },
};

function tellFiles(files: readonly FolderFile[], { json }: CompileCommandOptions, out: Out): void {
  if (json === true) {
    writeJson(out, { files });
    return;
  }
  for (const { path, bytes, isLink } of files)
    out.write(
      isLink === true ? `linked ${path}: no byte is copied\n` : `wrote ${path} (${showBytes(bytes)})\n`,
    );
}

/** Writes the folder of a page, and says how large each file is. */
async function compilePage(given: string, options: CompileCommandOptions, out: Out): Promise<void> {
  const other = (["train", "sessions"] as const).find((flag) => options[flag] === true);
  if (other !== undefined)
    stop("E804", `--${other} and --generate write different things`, "leave one of them off");
  const { target } = formOf(options);
  const { withPageFiles, modulesFor } = await import("../compile/page.ts");
  requireTaken(options, modulesFor(target));
  await withPageFiles(given, options, { target, out }, (files) => {
    const written = writeFiles(options.out, files);
    if (options.json === true) {
      writeJson(out, { files: written });
      return;
    }
    for (const { path, bytes } of written) out.write(`wrote ${path} (${showBytes(bytes)})\n`);
    const all = showBytes(written.reduce((sum, { bytes }) => sum + bytes, 0));
    out.write(`${all} in all: serve the folder ${options.out} as it is, and open its index.html\n`);
  });
}

/** A file to be written; modules have the steps of their plan. */
interface CompiledFile {
  readonly path: string;
  readonly text: string | Uint8Array;
  readonly steps?: number;
}

/** What is written: the target of the form, or of several the one whose kernels are asked for. */
function formOf({ target, kernels }: CompileCommandOptions): {
  readonly target: TargetName;
  readonly types: boolean;
} {
  const { types, targets: found } = writtenForms.get(target)!;
  const chosen = kernels ?? (found.includes(defaultTarget) ? defaultTarget : found[0]!);
  if (!found.includes(chosen))
    stop("E804", `--kernels is for the targets ts and js, and ${target} has its own`, "leave it off");
  return { target: chosen, types };
}

async function compileFiles(
  source: Source,
  options: CompileCommandOptions,
  out: Out,
): Promise<readonly CompiledFile[]> {
  const engine = exportEngines.get(options.target);
  if (engine !== undefined) {
    requireNoModule(options);
    const { exportFiles } = await engine.load();
    return exportFiles(source, options, out);
  }
  const { target, types } = formOf(options);
  requireTaken(options, [target]);
  const row = targets[target];
  const emit = await row.load();
  const made = row.target(options);
  const compiled = (
    plan: ProgramPlan,
    notes: readonly string[] = [],
  ): readonly (CompiledFile & EmittedFile)[] => {
    const steps = plan.parts.reduce((sum, part) => sum + part.steps.length, 0);
    return emit(plan, { types, switches: options, notes }).map((file) => ({ ...file, steps }));
  };
  if (options.train === true) {
    if (options.quantize !== undefined)
      stop("E821", "--quantize is for modules that run: a training moves floats", "leave it off");
    const { trainingFiles } = await import("../compile/training.ts");
    return trainingFiles(source, options, out, { target: made, emit: compiled });
  }
  if (options.seed !== undefined) stop("E821", "--seed draws a state to train from", "give --train too");
  const loaded = await loadModel(source, options, out, { target: made });
  if (options.sessions !== true && (options.ragged === true || options.recompute !== undefined))
    stop("E804", "--ragged and --recompute say how texts are read", "give --sessions too");
  const packed = packedGraph(loaded, options, made);
  if (options.sessions !== true) return compiled(planPacked(loaded, packed, made));
  const { planWithSessions } = await import("../compile/sessions.ts");
  return compiled(planWithSessions(loaded, packed, target, options));
}

/** Ends the command where a model for another engine is asked for what only modules of lmg have. */
function requireNoModule(options: CompileCommandOptions): void {
  const flags = ["train", "sessions", "seed", "kernels", "quantize", "ragged", "recompute"] as const;
  const given = flags.find((flag) => options[flag] !== undefined);
  if (given !== undefined)
    stop(
      "E804",
      `--${given} is for modules of lmg, and --target ${options.target} writes none`,
      "leave it off",
    );
  requireTaken(options, []);
}

/** Each file is written whole or not at all; one that is made in parts says how large it will be. */
export function writeFiles(
  folder: string,
  files: readonly { readonly path: string; readonly text: FileContent; readonly bytes?: number }[],
): readonly { readonly path: string; readonly bytes: number }[] {
  const unmade = makeFolder(folder);
  if (unmade !== undefined) throw new Stop([unmade]);
  return files.map(({ path, text, bytes }) => {
    const target = join(folder, path);
    const problem = makeFolder(dirname(target)) ?? writeFile(target, text);
    if (problem !== undefined) throw new Stop([problem]);
    return { path: target, bytes: bytes ?? Buffer.byteLength(text as string | Uint8Array) };
  });
}
