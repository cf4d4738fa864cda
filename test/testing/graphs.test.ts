import { describe, expect, test } from "vitest";
import { compile as compileModel } from "../../src/compile.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { readGraph } from "../../src/ir/read.ts";
import type { Remark } from "../../src/passes/pass.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import {
  countOps,
  edge,
  expectFused,
  expectIr,
  explainEdge,
  input,
  irMatchers,
  nodesAt,
  nodesOf,
  nodesOfEdge,
  output,
  parameter,
  producerOf,
  readersOf,
  showExplanation,
  type Explained,
  type IrMatchers,
} from "../../src/testing/index.ts";

declare module "vitest" {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-explicit-any -- so vitest declares and takes matchers
  interface Matchers<T = any> extends IrMatchers<T> {}
}

expect.extend(irMatchers);

const text = `graph small {
  dim B
  input %x: f32[B, 4]
  parameter %w: f32[4] = constant(1) "ln.weight"
  parameter %a: f32[4, 4] = normal(0, 1) "mlp.weight"
  edge 0 "h.0 edge 0" from "stream" { pre rmsnorm "ln"; branch "mlp" }
  edge 1 "h.0 edge 1" from "stream" { branch "mlp" }
  %n = rms_norm(x: %x, weight: %w, eps: 0.00001) label "ln" edges 0.pre
  %f = linear(x: %n, weight: %a) label "mlp"
  %s = residual(source: %x, branches: [%f], edge: 0) edges 0.join
  %m = rms_norm(x: %s, weight: %w, eps: 0.00001)
  %g = linear(x: %m, weight: %a) label "mlp"
  %y = residual(source: %s, branches: [%g], edge: 1) edges 1.join
  output y = %y
}`;

function read(): Graph {
  const { graph, diagnostics } = readGraph({ name: "small.ir", text });
  if (graph === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return graph;
}

function compile(): Explained {
  const remarks: Remark[] = [];
  const graph = runPasses(read(), { report: (remark) => remarks.push(remark) });
  return { graph, remarks };
}

describe("queries", () => {
  const graph = read();

  test("find nodes by op, with the op's own attributes", () => {
    expect(nodesOf(graph, "rms_norm").map((node) => node.attrs.eps)).toEqual([1e-5, 1e-5]);
    expect(nodesOf(graph, "attend")).toEqual([]);
    expect(countOps(graph)).toEqual({ rms_norm: 2, linear: 2, residual: 2 });
  });

  test("find nodes by the label of their layer", () =>
    expect(nodesAt(graph, "mlp").map((node) => node.op)).toEqual(["linear", "linear"]));

  test("go from a value to who makes it and who reads it", () => {
    const norm = nodesOf(graph, "rms_norm")[0]!;
    expect(producerOf(graph, norm.results[0]!)).toBe(norm);
    expect(producerOf(graph, input(graph, "x"))).toBeUndefined();
    expect(readersOf(graph, input(graph, "x")).map((node) => node.op)).toEqual(["rms_norm", "residual"]);
    expect(readersOf(graph, parameter(graph, "ln.weight"))).toHaveLength(2);
    expect(producerOf(graph, output(graph, "y"))?.op).toBe("residual");
  });

  test("find an edge and the nodes with a part in it, by name and by number", () => {
    expect(edge(graph, "h.0 edge 1")).toMatchObject({ index: 1, branches: ["mlp"] });
    expect(edge(graph, 0).name).toBe("h.0 edge 0");
    expect(nodesOfEdge(graph, "h.0 edge 0").map((node) => node.op)).toEqual(["rms_norm", "residual"]);
    expect(nodesOfEdge(graph, 0, "pre").map((node) => node.op)).toEqual(["rms_norm"]);
  });

  test("for a name that does not exist say what there is", () => {
    expect(() => edge(graph, "h.0 edge 2")).toThrow(
      new RangeError("the graph has no edge `h.0 edge 2`; did you mean `h.0 edge 0`?"),
    );
    expect(() => input(graph, "tokens")).toThrow(
      new RangeError("the graph has no input `tokens`; there are x"),
    );
    expect(() => parameter(graph, "ln.bias")).toThrow(/no parameter `ln.bias`/);
    expect(() => edge({ ...graph, edges: [] }, 0)).toThrow(/no edge `0`; there are none/);
  });
});

describe("matchers", () => {
  const checks = `
    CHECK: [[n:%\\w+]]: f32[B, 4], [[s:%\\w+]]: f32[B, 4] = add_norm(source: %x
    CHECK-NEXT: = linear_epilogue(x: [[n]], weight: %a, extras: [[[s]]]
    CHECK-NOT: residual`;

  test("compare a graph, or its text, with lines of checks", () => {
    expect(compile().graph).toMatchIr(checks);
    expect(read()).not.toMatchIr("CHECK: add_norm");
    expect(text).toMatchIr("CHECK-COUNT-2: residual(");
    expectIr(compile().graph!).toMatchIr(checks);
    expectIr(compile()).toMatchIr(checks);
  });

  test("say what is missing, and where", () => {
    expect(() => expect(read()).toMatchIr("CHECK: add_norm")).toThrow(
      /CHECK: add_norm\nis not found after line 1:/,
    );
    expect(() => expectIr(read()).toMatchIr("CHECK: add_norm")).toThrow(/is not found after line 1:/);
    expect(() => expect(read()).not.toMatchIr("CHECK: residual")).toThrow("expected the IR not to match");
  });

  test("ask whether an edge is fused", () => {
    expect(compile()).toFuseEdge("h.0 edge 0");
    expect(compile()).not.toFuseEdge(1);
    expectFused(compile(), 0);
  });

  test("take what the compiler gives, and fail with the mistakes of a model", () => {
    const model = (body: string) => compileModel({ name: "m.lmg", text: `model m {\n${body}\n}` });
    const good = model("  input x: f32[B, 4]\n  residual post ln: layernorm { up: linear(4) }\n  output y");
    expectFused(good, 0);
    expectIr(good).toMatchIr("CHECK: add_norm");
    const bad = model("  input x: f32[B, 4]\n  up: linaer(4)\n  output y");
    const mistake =
      /^the model was not compiled\nm\.lmg:3:7: error\[E202\]: there is no layer called `linaer`/;
    expect(() => expectFused(bad, 0)).toThrow(mistake);
    expect(() => expectIr(bad).toMatchIr("CHECK: add_norm")).toThrow(mistake);
  });

  test("say of an edge that no pass looked at why that may be", () => {
    const graph = runPasses(read(), { fuse: false });
    expect(() => expectFused({ graph, remarks: [] }, 0)).toThrow(
      "h.0 edge 0\n  no pass looked at it: was the model compiled with fuse: false?",
    );
  });

  test("explain an edge that is not", () => {
    expect(() => expectFused(compile(), "h.0 edge 1")).toThrowErrorMatchingInlineSnapshot(`
      [Error: expected the add to be part of an add_norm kernel
      h.0 edge 1
        join fused into linear_epilogue (linear, add)
        join: no norm reads the sum: it is an output]
    `);
    expect(showExplanation(explainEdge(compile(), 0))).toMatchInlineSnapshot(`
      "h.0 edge 0
        join fused into add_norm (rms; keeps the sum)
        pre: the norm reads an input, not the sum of an add"
    `);
    expect(explainEdge(compile(), 1)).toMatchObject({ joined: true, refused: [{ reason: "no_norm" }] });
  });
});

test("nothing of a test framework is imported at run time", async () => {
  const { readdirSync, readFileSync } = await import("node:fs");
  const folder = new URL("../../src/testing/", import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
  expect(files.length).toBeGreaterThan(3);
  for (const file of files)
    expect(readFileSync(new URL(file, folder), "utf8")).not.toMatch(/from "(vitest|node:)/);
});
