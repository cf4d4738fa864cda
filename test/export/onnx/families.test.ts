import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { matchParameters } from "../../../src/checkpoint/match.ts";
import { openNamed } from "../../../src/cli/run/chosen.ts";
import type { FindPlace } from "../../../src/export/onnx/exporter.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { casesOf, folderOf, goldenNames, opened } from "../../families/alone.ts";
import { relativeDifference } from "../../families/difference.ts";
import { modelBytes, openSession, runSession, WEIGHTS } from "./runtime.ts";

/**
 * Of each kind: encoder, encoder and decoder, ALiBi, experts, recurrence, latent attention, windows. `LMG_ALL=1` takes every
 * family of which there is a golden.
 */
const sample = [
  "albert",
  "bloom",
  "deepseek_v3",
  "gemma3",
  "mamba2",
  "mixtral",
  "modernbert",
  "qwen3_next",
  "t5",
];
const names = process.env["LMG_ALL"] === "1" ? goldenNames : sample;

/** onnxruntime computes in float32, as PyTorch does, whose float64 these logits are (see `tolerances` of families). */
const TOLERANCE = 1e-5;

/** Where a checkpoint has its tensors: the model reads the published file as it is. */
function placesOf(name: string): FindPlace {
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

describe("the ONNX of a family, its weights left in the published file, gives transformers' logits", () => {
  test.each(names)("%s", async (name) => {
    const { graph } = opened(name);
    const session = await openSession(
      modelBytes(graph, placesOf(name)),
      readFileSync(`${folderOf(name)}/${WEIGHTS}`),
    );
    for (const { inputs, logits, mask } of casesOf(name)) {
      const given: Record<string, HostTensor> = Object.fromEntries(inputs);
      for (const { name: input, value, fill } of graph.inputs)
        if (given[input] === undefined && fill !== undefined) {
          const shape = value.type.shape.map(({ key }, axis) =>
            /^\d+$/.test(key) ? Number(key) : logits.shape[axis]!,
          );
          const size = shape.reduce((a, b) => a * b, 1);
          given[input] = { dtype: value.type.dtype, shape, data: new Float64Array(size).fill(fill) };
        }
      const found = await runSession(session, given);
      expect(relativeDifference(found["logits"]!, logits, mask)).toBeLessThan(TOLERANCE);
    }
    await session.release();
  });
});
