import { invariant } from "../support/invariant.ts";
import { sizeOf } from "./host.ts";
import { ROW_UNIT, type QuantizedForm, type QuantizedTensor } from "./quantized.ts";

/** Rows of a matrix among several that lie one behind the other in codes are a multiple of this: kernels take so many together. */
export const STACK_ROWS = 8;

export const formOf = ({ bits, block, minimums }: QuantizedTensor): QuantizedForm => ({
  bits,
  block,
  hasMinimums: minimums !== undefined,
});

/** A quantized tensor whose parts fill its shape. */
export function quantizedTensor(tensor: QuantizedTensor): QuantizedTensor {
  const { shape, bits, block, codes, scales, minimums = scales } = tensor;
  const size = sizeOf(shape);
  invariant(
    shape.length >= 2 && shape.at(-1)! % ROW_UNIT === 0,
    `rows of [${shape.join(", ")}] are not whole`,
  );
  invariant(codes.length === (size * bits) / 8, `${codes.length} bytes of codes do not fill the tensor`);
  invariant(scales.length === size / block, `${scales.length} scales do not fill the tensor`);
  invariant(minimums.length === scales.length, "there is not one minimum a scale");
  return tensor;
}
