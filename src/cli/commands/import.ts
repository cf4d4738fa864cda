import { basename, extname, join } from "node:path";
import { readBytes } from "../../checkpoint/files/read.ts";
import { recognize } from "../../checkpoint/formats.ts";
import { places } from "../../checkpoint/places.ts";
import { writeSafetensors } from "../../checkpoint/safetensors.ts";
import { reservedWords } from "../../language/words.ts";
import { format } from "../../language/format.ts";
import { parse } from "../../language/parse.ts";
import { lower } from "../../lower/lower.ts";
import { isError } from "../../support/diagnostic.ts";
import type { Command } from "../command.ts";
import { fromKeras } from "../import/keras.ts";
import { fromOnnx } from "../import/onnx.ts";
import { showBytes } from "../numbers.ts";
import { orStop, Stop } from "../stop.ts";
import { writeFiles } from "./compile.ts";

interface ImportOptions {
  readonly out?: string;
}

export const command: Command = {
  arguments: [
    {
      name: "<model>",
      description:
        "an ONNX model: model.onnx, with the files of its tensors beside it; or a Keras model: model.keras, model.h5, or its config as JSON",
    },
  ],
  options: [
    {
      flags: "-o, --out <folder>",
      description: "where NAME.lmg and model.safetensors are written; the model's name if not given",
    },
  ],
  examples: [
    ["lmg import model.keras", "write model/model.lmg and model/model.safetensors"],
    ["lmg run model/model.lmg --weights model --input image=image.npy", "and run it"],
    [
      "lmg import encoder.onnx -o encoder",
      "linears, norms, attention and residual edges are found in its graph",
    ],
  ],
  async run([path], { out: given }: ImportOptions, out) {
    const name = modelName(path!);
    const bytes = orStop(readBytes(path!, places.imported));
    const isOnnx = recognize(bytes) === "onnx" || extname(path!).toLowerCase() === ".onnx";
    const from = isOnnx ? fromOnnx : fromKeras;
    const { text, tensors, told, check } = await from(bytes, path!, name);
    const formatted = format({ name: `${name}.lmg`, text });
    // What is written is a model: a mistake in it would be ours, but for sizes that the other library itself would refuse.
    const parsed = parse({ name: `${name}.lmg`, text: formatted.text });
    const { diagnostics, model } = lower(parsed.file);
    const all = [...parsed.diagnostics, ...diagnostics];
    if (all.some(isError)) throw new Stop(all);
    if (model !== undefined) check?.(model.graph);
    const files = [
      { path: `${name}.lmg`, text: formatted.text },
      ...(tensors.size === 0 ? [] : [{ path: "model.safetensors", text: writeSafetensors(tensors) }]),
    ];
    for (const { path: written, bytes } of writeFiles(given ?? name, files))
      out.write(`wrote ${written} (${showBytes(bytes)})\n`);
    const [first, ...rest] = told;
    out.write(`${first!}; lmg edges ${join(given ?? name, `${name}.lmg`)}\n`);
    for (const line of rest) out.write(`${line}\n`);
  },
};

/** A name that a model can have, of a file's. */
const modelName = (path: string): string => {
  const plain = basename(path, extname(path)).replace(/\W+/g, "_").toLowerCase();
  if (reservedWords.has(plain)) return "imported";
  return /^[a-z_]/.test(plain) ? plain : `_${plain}`;
};
