import type { Node } from "ohm-js";
import { nearest } from "../../support/text.ts";
import { addDims, dim, floorDivideDim, multiplyDims, symbolDim, type Dim } from "../../tensor/dim.ts";
import { dtypes, isDtype } from "../../tensor/dtype.ts";
import type { TensorType } from "../../tensor/type.ts";
import { all, wrong, type Context } from "./context.ts";
import { items } from "./grammar.ts";

/** Sizes are held exactly up to 2^53. */
const LARGEST_SIZE = Number.MAX_SAFE_INTEGER;

/** The number of terms or factors of one size: more is no size of a tensor, and its algebra would be slow. */
const MOST_PARTS = 64;

/** A size: `2*B*T + 1`. */
export function readSum(context: Context, node: Node): Dim | undefined {
  const products = [node.child(1), ...node.child(3).children];
  if (products.length > MOST_PARTS) return tooLarge(context, node);
  const signs = [
    node.child(0).numChildren === 1,
    ...node.child(2).children.map((op) => op.sourceString === "-"),
  ];
  const terms = all(products.map((product) => readProduct(context, product)));
  if (terms === undefined) return undefined;
  const sum = terms.reduce(
    (total, term, index) => addDims(total, signs[index] === true ? multiplyDims(term, dim(-1)) : term),
    dim(0),
  );
  const exact = sum.terms.every(({ coefficient }) => Math.abs(coefficient) <= LARGEST_SIZE);
  return exact && sum.terms.length <= MOST_PARTS ? sum : tooLarge(context, node);
}

const tooLarge = (context: Context, node: Node): Dim | undefined =>
  wrong(context, "E602", node, "a size has at most 64 terms of 64 factors and coefficients up to 2^53");

function readProduct(context: Context, node: Node): Dim | undefined {
  const factors = items(node.child(0));
  if (factors.length > MOST_PARTS) return tooLarge(context, node);
  const dims = all(factors.map((factor) => readFactor(context, factor)));
  const product = dims?.reduce(multiplyDims, dim(1));
  if (product === undefined) return undefined;
  return product.terms.length > MOST_PARTS ? tooLarge(context, node) : product;
}

function readFactor(context: Context, node: Node): Dim | undefined {
  const inner = node.child(0);
  if (node.ctorName === "Factor" && inner.ctorName !== "Factor_div") {
    if (inner.ctorName === "whole") {
      const size = Number(inner.sourceString);
      if (size <= LARGEST_SIZE) return dim(size);
      return tooLarge(context, inner);
    }
    return readSymbol(context, inner);
  }
  const by = Number(inner.child(4).sourceString);
  if (by < 1 || by > LARGEST_SIZE) {
    wrong(context, "E602", inner.child(4), `cannot divide a size by ${inner.child(4).sourceString}`);
    return;
  }
  const of = readSum(context, inner.child(2));
  return of && floorDivideDim(of, by);
}

function readSymbol(context: Context, node: Node): Dim | undefined {
  const name = node.sourceString;
  if (context.symbols.has(name)) return symbolDim(name);
  // All names of one letter are near each other.
  const near = name.length > 1 ? nearest(name, context.symbols) : undefined;
  const help = near === undefined ? `declare it with \`dim ${name}\`` : `did you mean \`${near}\`?`;
  wrong(context, "E604", node, `there is no dim \`${name}\``, { help });
}

/** `f32[B, T, 768]`. */
export function readType(context: Context, node: Node): TensorType | undefined {
  const dtype = node.child(0).sourceString;
  const shape = all(items(node.child(2)).map((size) => readSum(context, size)));
  if (isDtype(dtype)) return shape && { dtype, shape };
  const near = nearest(dtype, dtypes);
  const help = near === undefined ? {} : { help: `did you mean \`${near}\`?` };
  wrong(context, "E604", node.child(0), `there is no element type \`${dtype}\``, help);
}
