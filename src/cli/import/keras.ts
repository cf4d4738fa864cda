import { importKeras } from "../../import/keras/import.ts";
import { readKeras } from "../../import/keras/read.ts";
import { plural } from "../../support/text.ts";
import { orStop } from "../stop.ts";
import type { Imported } from "./imported.ts";

/** A Keras model of a file. */
export async function fromKeras(bytes: Uint8Array, path: string, name: string): Promise<Imported> {
  const file = orStop(await readKeras(bytes, path));
  const { text, tensors, edges } = orStop(importKeras(file.model, file.weights, name, path));
  const told = `${plural(file.model.layers.length, "layer")} of Keras, ${plural(edges, "residual edge")}`;
  return { text, tensors, told: [told] };
}
