import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDims,
  constantDim,
  dim,
  divideDims,
  evaluateDim,
  floorDivideDim,
  multiplyDims,
  productOfDims,
  renderDim,
  sameDim,
  showDim,
  subtractDims,
  symbolDim,
  symbolsOf,
  type Dim,
} from "../../src/tensor/dim.ts";
import { broadcastShapes, showType, tensorType } from "../../src/tensor/type.ts";

const B = symbolDim("B");
const T = symbolDim("T");

describe("dims are polynomials in one canonical form", () => {
  test("the order of sums and products does not show", () => {
    const left = addDims(multiplyDims(T, B), dim(3));
    const right = addDims(dim(3), multiplyDims(B, T));
    expect(showDim(left)).toBe("B*T + 3");
    expect(sameDim(left, right)).toBe(true);
  });

  test("terms that cancel disappear", () => {
    expect(showDim(subtractDims(addDims(B, T), T))).toBe("B");
    expect(showDim(subtractDims(B, B))).toBe("0");
    expect(constantDim(subtractDims(addDims(B, dim(2)), B))).toBe(2);
  });

  test("signs and coefficients print as people write them", () => {
    expect(showDim(subtractDims(multiplyDims(dim(2), T), addDims(B, dim(1))))).toBe("-B + 2*T - 1");
    expect(showType(tensorType("f32", B, T, 768))).toBe("f32[B, T, 768]");
  });

  test("division is exact or nothing", () => {
    expect(showDim(divideDims(productOfDims([B, T, dim(12)]), multiplyDims(dim(4), T))!)).toBe("3*B");
    expect(divideDims(multiplyDims(dim(3), B), dim(2))).toBeUndefined();
    expect(divideDims(addDims(B, T), T)).toBeUndefined();
    expect(constantDim(divideDims(addDims(B, T), addDims(T, B))!)).toBe(1);
  });

  test("a whole division that is not exact stays one, and is evaluated as the floor", () => {
    const half = floorDivideDim(addDims(T, dim(1)), 2);
    expect(showDim(half)).toBe("div(T + 1, 2)");
    expect(evaluateDim(half, new Map([["T", 6]]))).toBe(3);
    expect(showDim(floorDivideDim(multiplyDims(dim(4), T), 2))).toBe("2*T");
    expect([...symbolsOf(half)]).toEqual(["T"]);
    expect(
      renderDim(half, { symbol: (name) => `d.${name}`, floorDiv: (of, by) => `Math.floor((${of}) / ${by})` }),
    ).toBe("Math.floor((d.T + 1) / 2)");
  });

  test("algebra on dims is algebra on their values", () => {
    const anyDim: fc.Arbitrary<Dim> = fc.letrec<{ dim: Dim }>((tie) => ({
      dim: fc.oneof(
        { maxDepth: 4 },
        fc.integer({ min: -9, max: 9 }).map(dim),
        fc.constantFrom(B, T),
        fc.tuple(tie("dim"), tie("dim")).map(([a, b]) => addDims(a, b)),
        fc.tuple(tie("dim"), tie("dim")).map(([a, b]) => multiplyDims(a, b)),
        fc.tuple(tie("dim"), fc.integer({ min: 1, max: 5 })).map(([a, by]) => floorDivideDim(a, by)),
      ),
    })).dim;
    const at = new Map([
      ["B", 3],
      ["T", 7],
    ]);
    fc.assert(
      fc.property(anyDim, anyDim, (a, b) => {
        const [x, y] = [evaluateDim(a, at), evaluateDim(b, at)];
        expect(evaluateDim(addDims(a, b), at)).toBe(x + y);
        expect(evaluateDim(multiplyDims(a, b), at)).toBe(x * y + 0); // + 0 turns -0, which no size is, into 0
        expect(evaluateDim(subtractDims(a, b), at)).toBe(x - y);
        const quotient = divideDims(a, b);
        if (quotient !== undefined && y !== 0) expect(evaluateDim(quotient, at) * y + 0).toBe(x);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe("shapes broadcast as NumPy's do", () => {
  test("sizes of 1 stretch and missing axes count as 1", () => {
    const shape = broadcastShapes(tensorType("f32", B, 1, 8).shape, tensorType("f32", T, 1).shape);
    expect(shape?.map(showDim)).toEqual(["B", "T", "8"]);
  });

  test("sizes that differ do not", () => {
    expect(broadcastShapes(tensorType("f32", 4).shape, tensorType("f32", 3).shape)).toBeUndefined();
    expect(broadcastShapes(tensorType("f32", B).shape, tensorType("f32", T).shape)).toBeUndefined();
  });
});
