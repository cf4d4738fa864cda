import { sizeOf, type HostTensor } from "../../tensor/host.ts";
import { codeAt, ROW_UNIT, zeroOf, type QuantizedForm } from "../../tensor/quantized.ts";
import { evaluateEmbedding } from "./linear.ts";
import { evaluateRoutedLinear } from "./routed.ts";

/** A matrix as codes and what stands beside them. */
export interface Packed {
  readonly codes: HostTensor;
  readonly scales: HostTensor;
  readonly minimums: HostTensor | undefined;
}

/** scale · code + minimum of each element, [N, K]. */
export function evaluateDequantize(
  { codes, scales, minimums }: Packed,
  { bits, block }: { readonly bits: number; readonly block: number },
): HostTensor {
  const [rows, words] = codes.shape as [number, number];
  const shape = [rows, (words * 32) / bits];
  const words32 = Int32Array.from(codes.data);
  const packed = { bits: bits as QuantizedForm["bits"], codes: new Uint8Array(words32.buffer) };
  const zero = zeroOf(bits, minimums !== undefined);
  const data = new Float64Array(sizeOf(shape));
  for (let index = 0; index < data.length; index++) {
    const at = Math.floor(index / block);
    data[index] = scales.data[at]! * (codeAt(packed, index) - zero) + (minimums?.data[at] ?? 0);
  }
  return { dtype: scales.dtype, shape, data };
}

/** Rows of the matrix by id. */
export const evaluatePackedEmbedding = (
  packed: Packed,
  ids: HostTensor,
  form: { readonly bits: number; readonly block: number },
): HostTensor => evaluateEmbedding(evaluateDequantize(packed, form), ids);

/** The product with the matrix that each row chose. */
export function evaluatePackedRoutedLinear(
  x: HostTensor,
  packed: Packed,
  chosen: HostTensor,
  form: {
    readonly bits: number;
    readonly block: number;
    readonly activations: "f32" | "int8";
    readonly experts: number;
  },
): HostTensor {
  const { dtype, shape, data } = evaluateDequantize(packed, form);
  const [rows, columns] = shape as [number, number];
  const weight = { dtype, shape: [form.experts, rows / form.experts, columns], data };
  return evaluateRoutedLinear(
    form.activations === "int8" ? evaluateRoundBlocks(x) : x,
    weight,
    chosen,
    "out_in",
  );
}

/** Blocks whose elements are all smaller than this become zeros: 127 over them would not be finite in float32. */
export const LEAST_LARGEST = 2 ** -100;

/**
 * Each block of 32 neighbours of a row as whole numbers of -127 to 127 times a scale, the largest over 127; step by step as
 * float32 has it, so that targets come to the same whole numbers.
 */
export function evaluateRoundBlocks({ dtype, shape, data }: HostTensor): HostTensor {
  const out = new Float64Array(data.length);
  for (let start = 0; start < out.length; start += ROW_UNIT) {
    const block = Float32Array.from(data.subarray(start, start + ROW_UNIT));
    const largest = block.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const scale = Math.fround(largest / 127);
    const inverse = largest < LEAST_LARGEST ? 0 : Math.fround(127 / largest);
    block.forEach((x, index) => {
      const scaled = Math.fround(x * inverse);
      const code = Math.floor(Math.fround(scaled + 0.5));
      out[start + index] = scale * (Number.isNaN(code) ? 0 : code);
    });
  }
  return { dtype, shape, data: out };
}
