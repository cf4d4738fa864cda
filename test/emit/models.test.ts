import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { planGraph } from "../../src/plan/build.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import type { Source } from "../../src/support/source.ts";
import { smallSizes } from "../programs/sizes.ts";
import { expectSameAsOracle } from "./compare.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): Source => ({ name: path, text: readFileSync(new URL(path, root), "utf8") });

/** A run-time dim each; pictures must be large enough for a ResNet. */
const dims: Readonly<Record<string, number>> = { B: 2, T: 5, S: 4, H: 33, W: 35 };

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

/**
 * Relative to the largest element of an output: float32 is stored some ten times a layer, each time with an error of up
 * to 6e-8, and norms can make a small spread large.
 */
const MODEL_TOLERANCE = 5e-6;

test("there are models of all topologies", () => {
  expect(models.length).toBeGreaterThanOrEqual(55);
});

/** A model of small sizes after all passes, and how long its run-time dims are. */
function compiled({ file, folder, model, parameters }: (typeof models)[number], fuse: boolean) {
  const settings = Object.fromEntries(
    parameters.filter((name) => name in smallSizes).map((name) => [name, smallSizes[name]!]),
  );
  const lowered = lower(file, { model, settings, resolveUse: (path) => read(folder + path) });
  expect(lowered.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const graph = runPasses(lowered.model!.graph, { fuse });
  const sizes = Object.fromEntries(graph.symbols.map(({ name }) => [name, dims[name] ?? 3]));
  return { graph, sizes };
}

describe.each([
  ["fused", true],
  ["not fused", false],
])("%s, the emitted module computes what the interpreter computes", (_, fuse) => {
  test.each(models)("$path $model", async (each) => {
    const { graph, sizes } = compiled(each, fuse);
    expect(verifyPlan(planGraph(graph), new Map(Object.entries(sizes)))).toEqual([]);
    await expectSameAsOracle(graph, sizes, { tolerance: MODEL_TOLERANCE });
  });
});

/**
 * With 64 bits for each float, rounding and the order of sums take less than 1e-12. What differs is erf, by a fit that is right
 * to 1.2e-7 of the small tail: 1e-8 of an activation, of which a few layers have one each.
 */
const FLOAT64_TOLERANCE = 5e-8;

describe("in float64, the emitted module loses nothing to rounding", () => {
  test.each(models.filter(({ folder }) => folder === "examples/"))("$path $model", async (each) => {
    const { graph, sizes } = compiled(each, true);
    await expectSameAsOracle(graph, sizes, { tolerance: FLOAT64_TOLERANCE, floats: "f64" });
  });
});
