import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Problem } from "../../src/checkpoint/problem.ts";
import { opsets, type Opset } from "../../src/export/onnx/opsets.ts";
import { randomInputs, randomParameters } from "../../src/ir/initialize.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { rounded } from "../emit/compare.ts";
import { differenceOf, modelBytes, weightsFile } from "../export/onnx/runtime.ts";
import { smallSizes } from "../programs/sizes.ts";
import { imported, interpreted } from "./onnx-models.ts";

const folder = new URL("../../examples/", import.meta.url);

const examples = readdirSync(folder).filter((name) => name.endsWith(".lmg"));

const dims: Readonly<Record<string, number>> = { B: 2, T: 5, S: 4, H: 33, W: 35 };

function lowered(name: string) {
  const { file } = parse({ name, text: readFileSync(new URL(name, folder), "utf8") });
  const definition = file.definitions.find(({ kind }) => kind === "model")!;
  const settings = Object.fromEntries(
    definition.parameters.flatMap(({ name: { text } }) =>
      text in smallSizes ? [[text, smallSizes[text]!]] : [],
    ),
  );
  const resolveUse = (path: string) => ({ name: path, text: readFileSync(new URL(path, folder), "utf8") });
  return lower(file, { model: definition.name.text, settings, resolveUse }).model!.graph;
}

/** Both are computed in float64: what differs are the numbers that a file of ONNX has in 32 bits, as tables of rotary positions. */
const TOLERANCE = 1e-6;

function roundTrip(name: string, opset: Opset): { readonly difference: number; readonly text: string } {
  const graph = lowered(name);
  const parameters = rounded(randomParameters(graph, 2));
  const { bytes, places } = weightsFile(parameters, "f32");
  const model = imported(modelBytes(graph, places, opset), () => bytes);
  if (model instanceof Problem) throw new Error(model.message);
  const sizes = Object.fromEntries(graph.symbols.map((symbol) => [symbol.name, dims[symbol.name] ?? 3]));
  const inputs = rounded(randomInputs(graph, sizes, 1));
  const expected = interpret(graph, { inputs, parameters });
  const found = interpreted(model, inputs);
  expect(Object.keys(found).toSorted()).toEqual(Object.keys(expected).toSorted());
  const differences = Object.entries(expected).map(([output, tensor]) =>
    differenceOf(found[output]!, tensor),
  );
  return { difference: Math.max(...differences), text: model.text };
}

describe.each(opsets)("written as ONNX of opset %d and read again", (opset) => {
  test.each(examples)("%s computes what it did", (name) => {
    expect(roundTrip(name, opset).difference).toBeLessThan(TOLERANCE);
  });
});
