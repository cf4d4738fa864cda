import { describe, expect, test } from "vitest";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { casesOf, goldenNames, opened } from "../../families/alone.ts";
import { relativeDifference } from "../../families/difference.ts";
import { goldenPlaces, goldenWeights } from "./goldens.ts";
import { modelBytes, openSession, runSession } from "./runtime.ts";

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

describe("the ONNX of a family, its weights left in the published file, gives transformers' logits", () => {
  test.each(names)("%s", async (name) => {
    const { graph } = opened(name);
    const session = await openSession(modelBytes(graph, goldenPlaces(name)), goldenWeights(name));
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
