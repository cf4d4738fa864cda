import { describe, expect, test } from "vitest";
import { makeNode, makeValue } from "../../src/ir/node.ts";
import type { Graph, Node } from "../../src/ir/graph.ts";
import { lower } from "../../src/lower/lower.ts";
import { parse } from "../../src/language/parse.ts";
import { tensorType } from "../../src/tensor/type.ts";
import { isFloat } from "../../src/tensor/dtype.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { goldenCases, type GoldenCase } from "../ops/golden.ts";
import { inputOf, modelOf, PREFIX } from "../torch/models.ts";
import { gradientsOf } from "./graphs.ts";

/** Gradients are stored as float32: half a unit of the largest element, doubled for a sum of two. */
const TOLERANCE = 2 ** -23;

const cases = [...goldenCases("modules").values(), ...goldenCases("encoder_layer").values()].filter(
  (found) => textOf(found) !== undefined && found.optional("gy") !== undefined,
);

/** Batch norms that are trained take their statistics from the batch. */
function textOf(found: GoldenCase): string | undefined {
  if (!found.kind.startsWith("nn.BatchNorm")) return modelOf(found);
  const affine = found.optional("param.weight") !== undefined;
  const { shape } = found.tensor("x");
  return `model golden { input x: f32[${shape.join(", ")}]; m: batchnorm(eps: 1e-5, affine: ${affine}); output y }`;
}

function graphOf(found: GoldenCase): Graph {
  const source = { name: "golden.lmg", text: textOf(found)! };
  const { model } = lower(parse(source).file, { training: found.attrs["train"] === true });
  if (model === undefined) throw new Error(`the model of ${found.name} does not lower`);
  return model.graph;
}

/** Σ y · gy, with gy as an input. */
function withLoss(graph: Graph, gy: HostTensor) {
  const upstream = makeValue(tensorType("f32", ...gy.shape), "gy");
  const product = makeNode("mul", { x: graph.outputs[0]!.value, y: upstream }, {});
  const axes = [...gy.shape.keys()];
  const sum = makeNode("reduce_sum", { x: product.results[0]! }, { axes });
  const loss = sum.results[0]!;
  const inputs = [...graph.inputs, { name: "gy", value: upstream, fill: undefined, span: undefined }];
  const nodes: Node[] = [...graph.nodes, product, sum];
  return {
    loss,
    graph: { ...graph, inputs, nodes, outputs: [{ name: "loss", value: loss, span: undefined }] },
  };
}

test("modules of every kind and all encoder layers are compared", () => {
  expect(cases.length).toBeGreaterThanOrEqual(70);
  expect(cases.filter(({ kind }) => kind === "nn.TransformerEncoderLayer").length).toBeGreaterThanOrEqual(20);
  expect(cases.filter(({ attrs }) => attrs["train"] === true).length).toBe(4);
});

describe.each(cases.map((found) => [found.name, found] as const))("%s", (_, found) => {
  test(`its gradients are those of ${found.kind}`, () => {
    const { graph, loss } = withLoss(graphOf(found), found.tensor("gy"));
    const [input, tensor] = inputOf(found);
    const memory = found.optional("memory");
    const inputs = {
      [input]: tensor,
      ...(memory && { memory }),
      gy: found.tensor("gy"),
    };
    const parameters = Object.fromEntries(
      graph.parameters.map(({ name }) => [name, found.tensor(`param.${name.slice(PREFIX.length)}`)]),
    );
    const wrt = [
      ...graph.inputs.filter(({ name, value }) => name !== "gy" && isFloat(value.type.dtype)),
      ...graph.parameters.filter(({ trainable }) => trainable),
    ];
    const gradients = gradientsOf(graph, loss, wrt, inputs, parameters);
    expect(wrt.length).toBeGreaterThan(0);
    for (const { name } of wrt) {
      const expected = found.tensor(
        `grad.${name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name}`,
      ).data;
      const largest = [...expected].reduce((most, each) => Math.max(most, Math.abs(each)), 1);
      const actual = gradients[name]!.data;
      expect(actual.length).toBe(expected.length);
      expected.forEach((value, i) => {
        if (!(Math.abs(actual[i]! - value) <= TOLERANCE * largest))
          expect.fail(`${name}[${i}] is ${actual[i]!}, PyTorch's ${value}`);
      });
    }
  });
});
