import { describe, expect, test } from "vitest";
import { opsets } from "../../../src/export/onnx/opsets.ts";
import { onnxModel } from "../../../src/export/onnx/emit.ts";
import { onnxTable } from "../../../src/export/onnx/table.ts";
import type { ExportedOp } from "../../../src/export/table.ts";
import { expectAllNear, FLOAT32, graphOfCase } from "../../emit/op-graphs.ts";
import { opCases } from "../../ops/cases/all.ts";
import { modelBytes, openSession, runSession, weightsFile } from "./runtime.ts";

const written = (Object.keys(onnxTable) as ExportedOp[]).filter((op) => op !== "batch_statistics");
const { bytes, places } = weightsFile({});

/** Where onnxruntime computes otherwise, as other run times do, and by how much; NaN for limits that it has none of. */
const departures: Readonly<Record<string, number>> = {
  // x · sigmoid(x) as it stands: -∞ · 0.
  "silu: x / 2 at 0, limits": NaN,
  // Sums of float32, where lmg's are of float64: a mean of 1e4 takes four digits.
  "layer_norm: nn.LayerNorm: layernorm_large_mean": 1e-5,
};

describe.each(opsets)("in opset %d", (opset) => {
  describe.each(written)("%s", (op) => {
    test.each(opCases[op].map((each) => [each.about, each] as const))("%s", async (_, each) => {
      const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
      if (
        op === "dropout" &&
        Object.entries(each.operands).some(([name, given]) => name === "key" && given !== undefined)
      ) {
        expect(onnxModel(graph, { opset, places })).toMatchObject({ reason: "op", node: { op } });
        return;
      }
      const session = await openSession(modelBytes(graph, places, opset), bytes);
      const results = await runSession(session, tensors);
      await session.release();
      each.expected.forEach((expected, index) => {
        const found = results[`y${index}`]!;
        expect(found.shape).toEqual(expected.shape);
        const departure = departures[`${op}: ${each.about}`] ?? 0;
        if (Number.isNaN(departure)) expect(found.data.some((value) => Number.isNaN(value))).toBe(true);
        else expectAllNear(found.data, expected.data, Math.max(each.tolerance ?? 0, FLOAT32, departure));
      });
    });
  });
});

test("an op of trainings is refused, with its reason and node", () => {
  const [each] = opCases.batch_statistics;
  const { graph } = graphOfCase("batch_statistics", each!.operands, each!.attrs ?? {});
  expect(onnxModel(graph, { places })).toMatchObject({
    reason: "op",
    detail: "statistics of a batch, which a training moves",
    node: graph.nodes[0],
  });
});
