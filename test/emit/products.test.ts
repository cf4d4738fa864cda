import { expect, test } from "vitest";
import { readGraph } from "../../src/ir/read.ts";
import { expectSameAsOracle } from "./compare.ts";

const layouts = ["out_in", "in_out"] as const;

/** Around the sizes at which loops over tiles (4 × 2) and blocks (128) end: rows, columns, depth. */
const sizes = [
  [1, 9, 5],
  [3, 1, 128],
  [4, 2, 1],
  [5, 3, 129],
  [7, 129, 64],
  [129, 130, 127],
  [131, 127, 257],
] as const;

test.each(layouts.flatMap((layout) => sizes.map((size) => [...size, layout] as const)))(
  "a product of %d rows, %d columns and depth %d has every sum whole, weights %s",
  async (rows, columns, depth, layout) => {
    const shape = layout === "out_in" ? [columns, depth] : [depth, columns];
    const { graph } = readGraph({
      name: "product.ir",
      text: `graph product {
        dim M
        input %x: f32[M, ${depth}]
        input %g: f32[M, ${columns}]
        parameter %w: f32[${shape.join(", ")}] = normal(0, 1) "w"
        parameter %b: f32[${columns}] = normal(0, 1) "b"
        %y: f32[M, ${columns}] = linear(x: %x, weight: %w, layout: ${layout})
        %z: f32[M, ${columns}] = linear(x: %x, weight: %w, bias: %b, layout: ${layout})
        %d: f32[${shape.join(", ")}] = linear_weight_grad(grad: %g, x: %x, layout: ${layout})
        output y = %y
        output z = %z
        output d = %d
      }`,
    });
    expect(graph).toBeDefined();
    await expectSameAsOracle(graph!, { M: rows });
  },
);
