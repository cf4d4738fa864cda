import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { opsets, type Opset } from "../../../src/export/onnx/opsets.ts";
import { parse } from "../../../src/language/parse.ts";
import { lower } from "../../../src/lower/lower.ts";
import type { Source } from "../../../src/support/source.ts";
import { smallSizes } from "../../programs/sizes.ts";
import { onnxDifference } from "./runtime.ts";

const root = new URL("../../../", import.meta.url);
const read = (path: string): Source => ({ name: path, text: readFileSync(new URL(path, root), "utf8") });

/** Of full size: their convolutions and experts take the interpreter a minute. */
const slow = new Set(["resnet", "dense_then_experts"]);

const models = ["examples/", "test/programs/"].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith(".lmg"))
    .flatMap((name) => {
      const { file } = parse(read(folder + name));
      return file.definitions
        .filter((definition) => definition.kind === "model" && !slow.has(definition.name.text))
        .map((definition) => ({
          file,
          folder,
          path: folder + name,
          model: definition.name.text,
          parameters: definition.parameters.map((parameter) => parameter.name.text),
        }));
    }),
);

/** Two sizes of each run-time dim, which one model takes: pictures must be large enough for a ResNet. */
const dims: readonly Readonly<Record<string, number>>[] = [
  { B: 2, T: 5, S: 4, H: 33, W: 35 },
  { B: 1, T: 7, S: 6, H: 40, W: 33 },
];

const smallPlacement = { vocab: 23, dim: 16, depth: 2, heads: 2 };

/** Relative to the largest element: float32 rounds to 6e-8, some ten times a layer; SCALE.md asks for this of logits. */
const TOLERANCE = 2e-6;

test("there are models of all topologies", () => {
  expect(models.length).toBeGreaterThanOrEqual(55);
});

/** What an older version writes otherwise stands in the examples. */
const modelsOf = (opset: Opset) => models.filter(({ folder }) => opset === 23 || folder === "examples/");

describe.each(opsets)("opset %d, run by onnxruntime, computes what the interpreter computes", (opset) => {
  test.each(modelsOf(opset))("$path $model", async ({ file, folder, model, parameters }) => {
    const settings = Object.fromEntries(
      parameters.filter((name) => name in smallSizes).map((name) => [name, smallSizes[name]!]),
    );
    const lowered = lower(file, { model, settings, resolveUse: (path) => read(folder + path) });
    expect(lowered.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    const { graph } = lowered.model!;
    const sizes = dims.map((each) =>
      Object.fromEntries(graph.symbols.map(({ name }) => [name, each[name] ?? 3])),
    );
    expect(await onnxDifference(graph, sizes, opset)).toBeLessThan(TOLERANCE);
  });

  test.each(["pre", "post", "out", "sandwich", "none"])("norms placed %s", async (placement) => {
    const path = "examples/placement.lmg";
    const settings = { ...smallPlacement, placement };
    const { model } = lower(parse(read(path)).file, { settings });
    expect(await onnxDifference(model!.graph, dims, opset)).toBeLessThan(TOLERANCE);
  });
});
