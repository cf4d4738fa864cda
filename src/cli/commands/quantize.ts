import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import { writeSafetensors } from "../../checkpoint/safetensors.ts";
import { targets } from "../../emit/targets.ts";
import { groupBy } from "../../support/lists.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { agreementOn, showAgreement, textOptions, type TextOptions } from "../compare/agreement.ts";
import { showErrors } from "../compare/weights.ts";
import { loadModel } from "../load.ts";
import { showBytes } from "../numbers.ts";
import { writeJson, type Out } from "../out.ts";
import { readSource } from "../places.ts";
import { quantizedCheckpoint, type QuantizedCheckpoint } from "../quantize/checkpoint.ts";
import {
  checkpointConfig,
  checkpointFolder,
  openChosenWeights,
  weightOptions,
  type WeightChoice,
} from "../run/chosen.ts";
import { packChosen } from "../run/quantized.ts";
import { withTrainedRun } from "../run/trained.ts";
import { modelOptions, modelOrRunArgument, outputOption, type ModelOptions } from "../source.ts";
import { defaultTarget } from "../targets.ts";
import { writeFiles } from "./compile.ts";

interface QuantizeCommandOptions extends Omit<ModelOptions, "config">, WeightChoice, TextOptions {
  readonly to: "int8" | "int4";
  readonly out: string;
  readonly json?: true;
}

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    {
      flags: "--to <form>",
      description:
        "int8: 8-bit codes, a scale for each 32; int4: 4-bit codes with a zero point, heads 8 bits",
      choices: ["int8", "int4"],
      default: "int8",
    },
    { flags: "-o, --out <folder>", description: "where to write it", default: "quantized" },
    ...textOptions,
    ...weightOptions,
    ...modelOptions,
    outputOption,
    { flags: "--json", description: "as JSON" },
  ],
  examples: [
    [
      "lmg quantize llama.lmg --weights FOLDER --to int8 -o FOLDER-int8",
      "safetensors in the form of compressed-tensors",
    ],
    ["lmg quantize llama.lmg --weights FOLDER --to int4 --data text.txt", "and what that costs on a text"],
  ],
  async run([given], asked: QuantizeCommandOptions, out) {
    const { model, options } = withTrainedRun(given!, asked);
    const source = await readSource(model, {}, out);
    const config = checkpointConfig(options);
    const target = targets[defaultTarget].target({});
    const loaded = await loadModel(source, options, out, { config, target });
    const weights = openChosenWeights(loaded.model, options, out);
    try {
      const made = quantizedCheckpoint(loaded.model.graph, weights, options.to);
      warnOfSmall(made, options.to, out);
      writeCheckpoint(made, options, config?.config ?? {}, out);
      const original = packChosen(loaded, weights, { activations: "f32" }, target);
      const quantized = packChosen(loaded, made.weights, {}, target);
      const measured = await agreementOn(loaded.model.graph, [original, quantized], options, out);
      if (options.json === true) {
        writeJson(out, { layers: made.layers, kept: made.kept, agreement: measured });
        return;
      }
      out.write(showLayers(made));
      if (measured !== undefined) out.write(showAgreement(measured));
    } finally {
      weights.close();
    }
  },
};

/** Parameters below which 4 bits cost visibly much: measured on models of 0.3 to 1.5 billion (perplexity +26 % at 0.27). */
const SMALL = 1e9;

function warnOfSmall({ parameters }: QuantizedCheckpoint, to: string, out: Out): void {
  if (to === "int4" && parameters < SMALL)
    out.note(
      `warning: models of less than a billion parameters lose much in 4 bits, this one has ${plural(Math.round(parameters / 1e6), "million")}; --to int8 loses next to nothing\n`,
    );
}

function writeCheckpoint(
  made: QuantizedCheckpoint,
  options: QuantizeCommandOptions,
  config: Readonly<Record<string, unknown>>,
  out: Out,
): void {
  const json = JSON.stringify({ ...config, quantization_config: made.config }, null, 2);
  const written = writeFiles(options.out, [
    { path: "model.safetensors", text: writeSafetensors(made.stored, new Map([["format", "pt"]])) },
    { path: "config.json", text: `${json}\n` },
    ...besideFiles(checkpointFolder(options)),
  ]);
  if (options.json !== true)
    for (const { path, bytes } of written.slice(0, 2)) out.write(`wrote ${path} (${showBytes(bytes)})\n`);
}

/** The tokenizer and what else stands beside weights as JSON or text: a checkpoint is read by folder. */
function besideFiles(folder: string | undefined): { readonly path: string; readonly text: Uint8Array }[] {
  if (folder === undefined || kindOfPath(folder) !== "folder") return [];
  return readdirSync(folder)
    .filter((file) => /\.(json|txt|model|jinja)$/.test(file))
    .filter((file) => file !== "config.json" && !file.endsWith(".index.json"))
    .filter((file) => kindOfPath(join(folder, file)) === "file")
    .map((file) => ({ path: file, text: new Uint8Array(readFileSync(join(folder, file))) }));
}

function showLayers({ layers, kept }: QuantizedCheckpoint): string {
  const reasons = [...groupBy(kept, ({ why }) => why)].map(
    ([why, names]) =>
      `  ${plural(names.length, "tensor")}, ${names[0]!.name}${names.length > 1 ? " first" : ""}: ${why}\n`,
  );
  return [
    showErrors(`${plural(layers.length, "matrix", "matrices")} quantized`, layers),
    "kept as floats:\n",
    ...reasons,
  ].join("");
}
