import { expect, test } from "vitest";
import { lowerEdges } from "../../src/passes/lower-edges.ts";
import { graphOf, irAfter } from "./helpers.ts";

const after = (body: string): string => irAfter(lowerEdges, body, true);

test("an edge becomes an add that remembers it", () => {
  expect(
    after(`
      edge 0 "h.0 edge 0" from "stream" { branch "f" } scope h[0]
      %s = residual(source: %x, branches: [%f], edge: 0) scope h[0] edges 0.join
      output s = %s`),
  ).toMatchInlineSnapshot(`
    "%s: f32[B, T, 4] = add(%x, %f) scope h[0] edges 0.join
    output s = %s"
  `);
});

test("branches are added first and in their order, then gains applied, then the source added", () => {
  expect(
    after(`
      edge 0 "edge 0" from "stream" { branch "f"; branch "g"; skip number "2"; gain tensor "row" }
      %s = residual(source: %x, branches: [%f, %g, %x], source_gain: %gain, branch_gain: %row, edge: 0, source_scale: 2, branch_scale: 0.5)
      output s = %s`),
  ).toMatchInlineSnapshot(`
    "%0: f32[B, T, 4] = mul(%x, %gain) edges 0.skip
    %1: f32[] = full(dtype: f32, shape: [], value: 2) edges 0.skip
    %2: f32[B, T, 4] = mul(%0, %1) edges 0.skip
    %3: f32[B, T, 4] = add(%f, %g) edges 0.branch
    %4: f32[B, T, 4] = add(%3, %x) edges 0.branch
    %5: f32[B, T, 4] = mul(%4, %row) edges 0.branch
    %6: f32[] = full(dtype: f32, shape: [], value: 0.5) edges 0.branch
    %7: f32[B, T, 4] = mul(%5, %6) edges 0.branch
    %s: f32[B, T, 4] = add(%2, %7) edges 0.join
    output s = %s"
  `);
});

test("a scale of 1 makes no node, one of 0 does: 0 · NaN is NaN", () => {
  expect(
    after(`
      edge 0 "edge 0" from "stream" { branch "f"; skip number "0" }
      %s = residual(source: %x, branches: [%f], edge: 0, source_scale: 0, branch_scale: 1)
      output s = %s`),
  ).toMatchInlineSnapshot(`
    "%0: f32[] = full(dtype: f32, shape: [], value: 0) edges 0.skip
    %1: f32[B, T, 4] = mul(%x, %0) edges 0.skip
    %s: f32[B, T, 4] = add(%1, %f) edges 0.join
    output s = %s"
  `);
});

test("a scale is not rounded to half precision, and the result has the dtype of the stream", () => {
  expect(
    after(`
      input %h: bf16[B, T, 4]
      edge 0 "edge 0" from "stream" { branch "h" }
      %s = residual(source: %h, branches: [%h], edge: 0, branch_scale: 0.22)
      output s = %s`),
  ).toMatchInlineSnapshot(`
    "%0: f32[] = full(dtype: f32, shape: [], value: 0.22) edges 0.branch
    %1: bf16[B, T, 4] = mul(%h, %0) edges 0.branch
    %s: bf16[B, T, 4] = add(%h, %1) edges 0.join
    output s = %s"
  `);
});

test("a graph without edges is returned as it is", () => {
  const graph = graphOf("%s = add(%x, %f)\n output s = %s");
  expect(lowerEdges.run(graph)).toBe(graph);
});
