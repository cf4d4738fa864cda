import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { parse } from "../../src/language/parse.ts";
import { showDiagnostic } from "../../src/support/diagnostic.ts";
import { evaluateDim } from "../../src/tensor/dim.ts";
import { bindingsOf, lowerText, programs } from "./support.ts";

/** Parameters by which a model becomes small enough for the interpreter. */
const small: Readonly<Record<string, number>> = {
  vocab: 17,
  ctx: 16,
  dim: 32,
  hidden: 24,
  depth: 2,
  heads: 4,
  kv_heads: 2,
  head_dim: 8,
  half: 2,
  experts: 3,
  top_k: 2,
  rotary: 4,
  partial: 0.5,
  buckets: 8,
  far: 16,
  kv_dim: 6,
  sliding: 2,
  n: 2,
};

/** A size a run-time dim; images must be large enough for a ResNet. */
const symbols: Readonly<Record<string, number>> = { B: 2, T: 5, S: 4, H: 17, W: 16 };

const models = readdirSync(programs)
  .filter((name) => name.endsWith(".lmg"))
  .flatMap((name) => {
    const text = readFileSync(new URL(name, programs), "utf8");
    return parse({ name, text })
      .file.definitions.filter((definition) => definition.kind === "model")
      .map((definition) => {
        const parameters = definition.parameters.map((parameter) => parameter.name.text);
        return { name, model: definition.name.text, text, parameters };
      });
  });

describe("the programs of the language", () => {
  test("there are models of all topologies", () => {
    expect(models.length).toBeGreaterThanOrEqual(39);
  });

  test.each(models)("$model lowers without a message", ({ model, text }) => {
    const { diagnostics } = lowerText(text, { model });
    expect(diagnostics.map((diagnostic) => showDiagnostic(diagnostic))).toEqual([]);
  });

  test.each(models)(
    "$model, made small, gives finite outputs of its types",
    ({ model, text, parameters }) => {
      const settings = Object.fromEntries(
        parameters.filter((name) => name in small).map((name) => [name, small[name]!]),
      );
      const { model: lowered } = lowerText(text, { model, settings });
      const graph = lowered!.graph;
      expect(verifyGraph(graph)).toEqual([]);
      const outputs = interpret(graph, bindingsOf(graph, symbols));
      const sizes = new Map(Object.entries(symbols));
      for (const { name, value } of graph.outputs) {
        const { shape, data } = outputs[name]!;
        expect(shape).toEqual(value.type.shape.map((size) => evaluateDim(size, sizes)));
        expect(data.length).toBeGreaterThan(0);
        expect(data.every((element) => Number.isFinite(element))).toBe(true);
        expect(data.some((element) => element !== 0)).toBe(true);
      }
    },
  );
});
