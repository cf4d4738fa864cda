import { expect, test } from "vitest";
import { Problem } from "../../src/checkpoint/problem.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { sizeOf } from "../../src/tensor/host.ts";
import { createSession, differenceOf, runSession } from "../export/onnx/runtime.ts";
import { imported, interpreted } from "./onnx-models.ts";
import { cases } from "./onnx-near.ts";
import { Small, wave } from "./onnx-small.ts";

/** Relative to the largest element: onnxruntime computes in float32, which rounds to 6e-8, a few times a model. */
const TOLERANCE = 1e-6;

const sizes: Readonly<Record<string, number>> = { B: 2, T: 5 };

/** Numbers for each input; a bias hides the first three keys as far as a number of float32 can. */
const inputsOf = ({ inputs }: Small): Readonly<Record<string, HostTensor>> =>
  Object.fromEntries(
    inputs.map(({ name, type }, index) => {
      const shape = type.tensorType.shape!.dim.map(({ dimValue, dimParam }) => dimValue ?? sizes[dimParam!]!);
      const data = Float64Array.from(wave(sizeOf(shape), index));
      if (name === "bias") data.forEach((_, at) => (data[at] = at % 5 < 3 ? Math.fround(-1e30) : 0.5));
      return [name, { dtype: "f32", shape, data } as const];
    }),
  );

const opsOf = ({ nodes }: Graph): readonly string[] =>
  nodes.map((node) => (node.op === "attend" && node.attrs.causal ? "causal attend" : node.op));

test.each(cases)("$op, $name: the numbers of onnxruntime, or refused", async ({ op, is, make }) => {
  const small = new Small();
  const output = make(small);
  const bytes = small.bytes(output);
  const model = imported(bytes);
  if (model instanceof Problem) {
    expect(is, model.message).toBe(false);
    expect(model.code).toBe("E776");
    return;
  }
  expect(opsOf(model.graph).includes(op)).toBe(is);
  const given = inputsOf(small);
  // Its own recognition takes a norm whose epsilon is a vector for one without.
  const session = await createSession(bytes, { graphOptimizationLevel: "disabled" });
  const expected = await runSession(session, given);
  await session.release();
  expect(differenceOf(interpreted(model, given)[output]!, expected[output]!)).toBeLessThan(TOLERANCE);
});
