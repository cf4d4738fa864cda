import { basename, extname, join } from "node:path";
import { writeSafetensors } from "../../checkpoint/safetensors.ts";
import { readBytes } from "../../checkpoint/files/read.ts";
import { places } from "../../checkpoint/places.ts";
import { importKeras } from "../../import/keras/import.ts";
import { readKeras } from "../../import/keras/read.ts";
import { format } from "../../language/format.ts";
import { parse } from "../../language/parse.ts";
import { lower } from "../../lower/lower.ts";
import { isError } from "../../support/diagnostic.ts";
import { plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { showBytes } from "../numbers.ts";
import { orStop, Stop } from "../stop.ts";
import { writeFiles } from "./compile.ts";

interface ImportOptions {
  readonly out?: string;
}

export const command: Command = {
  arguments: [
    { name: "<model>", description: "a Keras model: model.keras, model.h5, or its config as JSON" },
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
  ],
  async run([path], { out: given }: ImportOptions, out) {
    const name = modelName(path!);
    const file = orStop(await readKeras(orStop(readBytes(path!, places.keras)), path!));
    const { text, tensors, edges } = orStop(importKeras(file.model, file.weights, name, path!));
    const formatted = format({ name: `${name}.lmg`, text });
    // What is written is a model: a mistake in it would be ours, but for sizes that Keras itself would refuse.
    const { diagnostics } = lower(parse({ name: `${name}.lmg`, text: formatted.text }).file);
    if (diagnostics.some(isError)) throw new Stop(diagnostics);
    const files = [
      { path: `${name}.lmg`, text: formatted.text },
      ...(tensors.size === 0 ? [] : [{ path: "model.safetensors", text: writeSafetensors(tensors) }]),
    ];
    for (const { path: written, bytes } of writeFiles(given ?? name, files))
      out.write(`wrote ${written} (${showBytes(bytes)})\n`);
    out.write(
      `${plural(file.model.layers.length, "layer")} of Keras, ${plural(edges, "residual edge")}; lmg edges ${join(given ?? name, `${name}.lmg`)}\n`,
    );
  },
};

/** A name that a model can have, of a file's. */
const modelName = (path: string): string => {
  const plain = basename(path, extname(path)).replace(/\W+/g, "_").toLowerCase();
  return /^[a-z_]/.test(plain) ? plain : `_${plain}`;
};
