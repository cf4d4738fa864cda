import { readFileSync } from "node:fs";
import { matchParameters } from "../../../src/checkpoint/match.ts";
import { openNamed } from "../../../src/cli/run/chosen.ts";
import type { FindPlace } from "../../../src/export/onnx/exporter.ts";
import { folderOf, opened } from "../../families/alone.ts";
import { WEIGHTS } from "./runtime.ts";

/** Where the published checkpoint of a golden has its tensors: a model reads the file as it is. */
export function goldenPlaces(name: string): FindPlace {
  const { tensors, close } = openNamed({ weights: folderOf(name) });
  close();
  const { graph, notNeeded } = opened(name);
  const match = matchParameters(graph.parameters, tensors, name, { notNeeded });
  if (!("tensors" in match)) throw new Error(match[0]!.message);
  return (parameter) => {
    const { dtype, shape, places } = match.tensors.get(parameter)!;
    const own = places!.length === 1 ? shape : shape.slice(1);
    return places!.map(({ start, end }) => ({
      dtype,
      shape: own,
      location: WEIGHTS,
      offset: start,
      length: end - start,
    }));
  };
}

export const goldenWeights = (name: string): Uint8Array => readFileSync(`${folderOf(name)}/${WEIGHTS}`);
