import { addDims } from "../tensor/dim.ts";
import { bool, expression, int, word } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { evaluateExpression } from "./evaluate/elementwise.ts";
import { evaluateLinear } from "./evaluate/linear.ts";
import {
  evaluateDequantize,
  evaluatePackedEmbedding,
  evaluatePackedRoutedLinear,
  evaluateRoundBlocks,
} from "./evaluate/quantized.ts";
import { expressionFlops, perElement, productFlops } from "./flops.ts";
import {
  inferDequantize,
  inferPackedEmbedding,
  inferPackedLinear,
  inferPackedRoutedLinear,
  inferRoundBlocks,
  packedOperands,
} from "./infer/quantized.ts";

/** The product as it is. */
const noEpilogue = { steps: [] };

/** Bits of a code, neighbours along a row that share a scale, and whether all codes of 8 bits are known to be of -64 to 63. */
const packedAttributes = () => ({ bits: int(8), block: int(32), narrow: bool(false) });

/**
 * Matrices as codes: words of 32 bits, the first code in the lowest bits. 8 bits are a whole number with a sign, 4 bits one
 * of 0 to 15; 5 bits lie as `tensor/quantized.ts` says. An element is scale · code + minimum.
 */
export const quantizedOps = {
  dequantize: defineOp({
    stage: "kernel",
    kernel: "any",
    doc: "scale · code + minimum: i32 words [N, K · bits / 32] with scales and minimums [N, K / block] → [N, K]",
    operands: packedOperands,
    attrs: packedAttributes(),
    results: ["out"],
    infer: (packed, attrs) => inferDequantize(packed, attrs),
    evaluate: (packed, attrs) => [evaluateDequantize(packed, attrs)],
    flops: (_, __, [out]) => perElement(out!, 2),
  }),
  round_blocks: defineOp({
    stage: "kernel",
    kernel: "any",
    doc:
      "each 32 neighbours of a row as whole numbers of -127 to 127 times the largest of them over 127, a half rounded up: " +
      "what products of 8-bit codes read of activations",
    operands: { x: "one" },
    attrs: {},
    results: ["out"],
    infer: ({ x }) => inferRoundBlocks(x),
    evaluate: ({ x }) => [evaluateRoundBlocks(x)],
    flops: ({ x }) => perElement(x, 5),
  }),
  packed_embedding: defineOp({
    stage: "kernel",
    kernel: "any",
    doc: "embedding of a dequantized table: only the rows that are read are dequantized",
    operands: { ...packedOperands, ids: "one" },
    /** The rows of the table, of which a target may lay out more. */
    attrs: { ...packedAttributes(), entries: int() },
    results: ["out"],
    infer: ({ ids, ...packed }, attrs) => inferPackedEmbedding(packed, ids, attrs),
    evaluate: ({ ids, ...packed }, attrs) => [evaluatePackedEmbedding(packed, ids, attrs)],
  }),
  packed_linear: defineOp({
    stage: "kernel",
    kernel: "any",
    doc:
      "linear_epilogue by a dequantized weight, [N, K]; with activations int8 x is rounded as round_blocks says, and the " +
      "products of a block are summed as whole numbers",
    operands: { x: "one", ...packedOperands, extras: "many" },
    attrs: {
      ...packedAttributes(),
      activations: word(["f32", "int8"], "f32"),
      epilogue: expression(noEpilogue),
    },
    results: ["out"],
    infer: ({ x, extras, ...packed }, attrs) => inferPackedLinear(x, packed, extras, attrs, attrs.epilogue),
    evaluate: ({ x, extras, ...packed }, { epilogue, activations, ...form }) => {
      const read = activations === "int8" ? evaluateRoundBlocks(x) : x;
      const product = evaluateLinear(read, evaluateDequantize(packed, form), undefined, "out_in");
      return epilogue.steps.length === 0
        ? [product]
        : [evaluateExpression(epilogue, [product, ...extras], product.dtype, product.shape)];
    },
    flops: ({ x }, { epilogue }, [out]) =>
      addDims(productFlops(out!, x.shape.at(-1)!), perElement(out!, expressionFlops(epilogue))),
  }),
  packed_routed_linear: defineOp({
    stage: "kernel",
    kernel: "any",
    doc:
      "routed_linear by matrices that are dequantized, [experts, N, K], whose rows lie one behind the other in the codes; only " +
      "what is chosen is read. Activations are as packed_linear has them",
    operands: { x: "one", ...packedOperands, chosen: "one" },
    attrs: {
      ...packedAttributes(),
      activations: word(["f32", "int8"], "f32"),
      experts: int(),
    },
    results: ["out"],
    infer: ({ x, chosen, ...packed }, attrs) => inferPackedRoutedLinear(x, packed, chosen, attrs),
    evaluate: ({ x, chosen, ...packed }, attrs) => [evaluatePackedRoutedLinear(x, packed, chosen, attrs)],
    flops: ({ x }, _, [out]) => productFlops(out!, x.shape.at(-1)!),
  }),
} as const;
