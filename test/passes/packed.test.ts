import { describe, expect, test } from "vitest";
import { readGraph } from "../../src/ir/read.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { portableTarget, type Target } from "../../src/kernels/target.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import type { PackedParameter, Packing } from "../../src/passes/packing.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { hostTensor, sizeOf } from "../../src/tensor/host.ts";
import { nodesText } from "./helpers.ts";

const int8: PackedParameter = { form: { bits: 8, block: 32, hasMinimums: false }, isTransposed: false };
const int4: PackedParameter = { form: { bits: 4, block: 32, hasMinimums: true }, isTransposed: false };
const rounding: Target = { ...portableTarget, activations: "int8" };

const graphOf = (body: string): Graph =>
  readGraph({
    name: "packed.ir",
    text: `graph test {
  dim B
  dim T
  input %x: f32[B, T, 64]
  input %newest: f32[B, 1, 64]
  input %ids: i32[B, T]
  parameter %a: f32[64, 64] = normal(0, 1) "a"
  parameter %b: f32[32, 64] = normal(0, 1) "b"
  parameter %turned: f32[64, 32] = normal(0, 1) "turned"
  parameter %bias: f32[64] = constant(0) "bias"
${body}
}`,
  }).graph!;

function packed(body: string, names: Record<string, PackedParameter>, target = portableTarget, fuse = true) {
  const packing: Packing = {
    parameters: new Map(Object.entries(names)),
    activations: "int8",
    halves: new Map(),
  };
  const graph = runPasses(graphOf(body), { packing, target, fuse, verify: true });
  expect(verifyGraph(graph)).toEqual([]);
  return graph;
}

/** The outputs of a graph on drawn inputs and codes. */
function outputsOf(graph: Graph) {
  const random = new RandomStream(1);
  const drawn = (name: string, dtype: "f32" | "i32", sizes: readonly number[]) =>
    hostTensor(
      dtype,
      sizes,
      Array.from({ length: sizeOf(sizes) }, () =>
        dtype === "f32"
          ? Math.fround(random.uniform() - 0.5)
          : name === "ids"
            ? 3
            : random.below(2 ** 32) | 0,
      ),
    );
  const inputs = new Map(
    graph.inputs.map(({ name, value: { type } }) => [
      name,
      drawn(
        name,
        type.dtype as "f32",
        type.shape.map((size) => ({ B: 2, T: 3 })[size.key] ?? Number(size.key)),
      ),
    ]),
  );
  const parameters = new Map(
    graph.parameters.map(({ name, value: { type } }) => [
      name,
      drawn(
        name,
        type.dtype as "f32",
        type.shape.map(({ key }) => Number(key)),
      ),
    ]),
  );
  return interpret(graph, { inputs, parameters });
}

describe("packed weights", () => {
  test("are dequantized in the product, bias and function in its epilogue", () => {
    const body = `%p = linear(x: %x, weight: %a, bias: %bias)\n%y = silu(%p)\noutput y = %y`;
    expect(nodesText(packed(body, { a: int8 }))).toMatchInlineSnapshot(`
      "%y: f32[B, T, 64] = packed_linear(x: %x, codes: %a_packed, scales: %a_scale, extras: [%bias], epilogue: { add(i0, i1); silu(t0) })
      output y = %y"
    `);
  });

  test("are codes of 4 bits with minimums in one operand more", () => {
    expect(nodesText(packed(`%y = linear(x: %x, weight: %b)\noutput y = %y`, { b: int4 })))
      .toMatchInlineSnapshot(`
        "%y: f32[B, T, 32] = packed_linear(x: %x, codes: %b_packed, scales: %b_scale, minimums: %b_minimum, bits: 4)
        output y = %y"
      `);
  });

  test("of a table are one for the lookup and the head", () => {
    const body = `%e = embedding(table: %a, ids: %ids)\n%y = linear(x: %x, weight: %a)\noutput e = %e\noutput y = %y`;
    expect(nodesText(packed(body, { a: int8 }))).toMatchInlineSnapshot(`
      "%e: f32[B, T, 64] = packed_embedding(codes: %a_packed, scales: %a_scale, ids: %ids, entries: 64)
      %y: f32[B, T, 64] = packed_linear(x: %x, codes: %a_packed, scales: %a_scale)
      output e = %e
      output y = %y"
    `);
  });

  test("that lie [in, out] are packed the other way round", () => {
    const body = `%y = linear(x: %x, weight: %turned, layout: in_out)\noutput y = %y`;
    expect(nodesText(packed(body, { turned: { ...int8, isTransposed: true } }))).toMatchInlineSnapshot(`
      "%y: f32[B, T, 32] = packed_linear(x: %x, codes: %turned_packed, scales: %turned_scale)
      output y = %y"
    `);
  });

  test("that are merged are the join of their codes", () => {
    const body = `%p = linear(x: %x, weight: %a)\n%q = linear(x: %x, weight: %b)\noutput p = %p\noutput q = %q`;
    expect(nodesText(packed(body, { a: int8, b: int8 }))).toMatchInlineSnapshot(`
      "%0: i32[96, 16] = concat([%a_packed, %b_packed], axis: 0)
      %1: f32[96, 2] = concat([%a_scale, %b_scale], axis: 0)
      %2: f32[B, T, 96] = packed_linear(x: %x, codes: %0, scales: %1)
      %p: f32[B, T, 64] = slice(%2, axis: 2, start: 0, size: 64)
      %q: f32[B, T, 32] = slice(%2, axis: 2, start: 64, size: 32)
      output p = %p
      output q = %q"
    `);
  });

  test("are narrow together where all of them are, and never floats", () => {
    const body = `%p = linear(x: %x, weight: %a)\n%q = linear(x: %x, weight: %b)\noutput p = %p\noutput q = %q`;
    const narrow: PackedParameter = { ...int8, form: { ...int8.form, isNarrow: true } };
    const merged = (a: PackedParameter, b: PackedParameter) =>
      packed(body, { a, b }).nodes.flatMap((node) =>
        node.op === "packed_linear" ? [node.attrs.narrow] : [],
      );
    expect(merged(narrow, narrow)).toEqual([true]);
    expect(merged(narrow, int8)).toEqual([false]);
    expect(merged(int8, narrow)).toEqual([false]);
  });

  test("of other forms are not merged", () => {
    const body = `%p = linear(x: %x, weight: %a)\n%q = linear(x: %x, weight: %b)\noutput p = %p\noutput q = %q`;
    const ops = packed(body, { a: int8, b: int4 }).nodes.map(({ op }) => op);
    expect(ops).toEqual(["packed_linear", "packed_linear"]);
  });

  test("are read by rounded activations, of one row as of many, where a target can", () => {
    const body = `%p = linear(x: %newest, weight: %a)\n%q = linear(x: %x, weight: %a)\noutput p = %p\noutput q = %q`;
    const activations = (target: Target): unknown[] =>
      packed(body, { a: int8 }, target).nodes.map((node) =>
        node.op === "packed_linear" ? node.attrs.activations : node.op,
      );
    expect(activations(rounding)).toEqual(["int8", "int8"]);
    expect(activations(portableTarget)).toEqual(["f32", "f32"]);
  });

  test("compute the same whether they are fused or not", () => {
    const body = `
      %e = embedding(table: %a, ids: %ids)
      %p = linear(x: %newest, weight: %a, bias: %bias)
      %q = linear(x: %newest, weight: %b)
      %s = silu(%q)
      output e = %e
      output p = %p
      output s = %s`;
    const forms = { a: int8, b: int4 };
    const [fused, plain] = [true, false].map((fuse) => outputsOf(packed(body, forms, rounding, fuse)));
    for (const name of ["e", "p", "s"]) expect(fused![name]!.data).toEqual(plain![name]!.data);
  });

  test("with another reader are whole beside it", () => {
    const body = `%y = linear(x: %x, weight: %a)\n%s = mul(%a, %a)\noutput y = %y\noutput s = %s`;
    expect(
      packed(body, { a: int8 })
        .nodes.map(({ op }) => op)
        .sort(),
    ).toEqual(["dequantize", "elementwise", "packed_linear"]);
  });
});
