import { describe, expect, test } from "vitest";
import { compile, type Compilation } from "../../src/compile.ts";
import type { PartialGraph } from "../../src/ir/graph.ts";
import { outlineOf, sectionsOf } from "../../src/ir/outline.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { showType } from "../../src/tensor/type.ts";
import { lowerText } from "./support.ts";

const compiled = (text: string): Compilation => compile({ name: "m.lmg", text });

function partialOf(text: string): PartialGraph {
  const { model, graph, plan, partial } = compiled(text);
  expect([model, graph, plan]).toEqual([undefined, undefined, undefined]);
  expect(partial).toBeDefined();
  return partial!;
}

const nodesOf = ({ nodes }: PartialGraph): string[] =>
  nodes.map(({ op, origin }) => `${op} ${origin.label}`.trim());

describe("of a text with a mistake there is", () => {
  test("the graph up to it, and what does not read it", () => {
    const partial = partialOf(`model m(dim = 8) {
  input x: f32[B, dim]
  a: linear(dim, bias: false) as kept
  b: linear(dum)
  c: linear(dim)
  kept -> d: linear(2 * dim, bias: false)
  output y
}`);
    expect(nodesOf(partial)).toEqual(["linear a", "linear d"]);
    expect(partial.parameters.map(({ name }) => name)).toEqual(["a.weight", "d.weight"]);
    expect(partial.outputs.map(({ name, value }) => `${name}: ${showType(value.type)}`)).toEqual([
      "y: f32[B, 16]",
    ]);
  });

  test("every edge, the one with the mistake too, which gives what it carries", () => {
    const partial = partialOf(`model m(dim = 8) {
  input x: f32[B, dim]
  residual pre ln_1: layernorm { a: linear(dim) }
  residual pre ln_2: layernorm { b: liner(dim) }
  residual pre ln_3: layernorm { c: linear(dim) }
}`);
    expect(
      partial.edges.map((edge) => [edge?.name, edge?.branches, edge?.norms.map(({ label }) => label)]),
    ).toEqual([
      ["edge 0", ["a"], ["ln_1"]],
      ["edge 1", [], ["ln_2"]],
      ["edge 2", ["c"], ["ln_3"]],
    ]);
    expect(nodesOf(partial)).toEqual([
      "layer_norm ln_1",
      "linear a",
      "residual",
      "layer_norm ln_2",
      "layer_norm ln_3",
      "linear c",
      "residual",
    ]);
  });

  test("no edge in the place of one that was never left", () => {
    const { partial } = compiled("model m { input x: f32[B, 8]\n residual { repeat 90000 { relu } } }");
    expect(partial?.edges).toEqual([undefined]);
  });

  test("its outline", () => {
    const partial = partialOf(`model m(dim = 8) {
  input x: f32[B, dim]
  repeat 3 as h { residual { fc: linear(dim) } }
  head: linear(
}`);
    expect(
      sectionsOf(outlineOf(partial)).map(({ label, repeat }) => [label, repeat?.alike[0]?.length]),
    ).toEqual([["h", 3]]);
  });

  test("the tree and the graph of what could be parsed, and only what the syntax is told of", () => {
    const { file, partial, diagnostics } = compiled(`model m(dim = 8) {
  input x: f32[B, dim]
  a: linear(dim)
  b: linear((dim)
  c: relu
  missing + 1
}`);
    expect(file.definitions[0]?.body.statements.map(({ kind }) => kind)).toContain("input");
    expect(nodesOf(partial!)).toContain("linear a");
    expect(diagnostics.map(({ code }) => code).every((code) => code.startsWith("E1"))).toBe(true);
  });
});

test("a whole model has no partial graph", () => {
  expect(compiled("model m { input x: f32[B]; relu }").partial).toBeUndefined();
  expect(lowerText("model m { input x: f32[B]; relu }").partial).toBeUndefined();
});

test("neither the verifier nor a pass takes a partial graph", () => {
  const partial = partialOf("model m { input x: f32[B]; residual { unknown } }");
  const refused = (): void => {
    // @ts-expect-error An edge may be missing.
    verifyGraph(partial);
    // @ts-expect-error An edge may be missing here too.
    runPasses(partial);
  };
  expect(refused).toBeTypeOf("function");
});
