/** How the codes of a quantized tensor lie, and what stands beside them. */
export interface QuantizedForm {
  /** Of a code. 8: a whole number with a sign, two's complement. 4: 0 to 15, two in a byte, the first in its lower half. */
  readonly bits: 4 | 8;
  /** Neighbours along the last axis that share a scale. */
  readonly block: 16 | 32;
  readonly hasMinimums: boolean;
  /** Codes of 8 bits that are all of -64 to 63: whoever multiplies them may do it faster. Not known if left off. */
  readonly isNarrow?: boolean;
}

/**
 * A tensor [.., N, K] as codes with a scale, and perhaps a minimum, for each block of a row: an element is
 * scale · code + minimum. K is a multiple of 32. Published zero points are minimums: -scale · zero.
 */
export interface QuantizedTensor {
  readonly shape: readonly number[];
  readonly bits: QuantizedForm["bits"];
  readonly block: QuantizedForm["block"];
  /** [.., N, K · bits / 8] bytes. */
  readonly codes: Uint8Array;
  /** [.., N, K / block]. */
  readonly scales: Float32Array;
  /** As the scales; undefined for zeros. */
  readonly minimums?: Float32Array | undefined;
}

/** Elements of a row that lie together whatever shares a scale: what kernels take at a time. */
export const ROW_UNIT = 32;

/** The code of an element, counted through the tensor. */
export function codeAt({ bits, codes }: Pick<QuantizedTensor, "bits" | "codes">, index: number): number {
  if (bits === 8) return (codes[index]! << 24) >> 24;
  return (codes[index >> 1]! >> (4 * (index & 1))) & 15;
}

/** The elements as float32: the product with the scale is rounded, then the sum with the minimum. */
export function dequantized(tensor: QuantizedTensor): Float32Array {
  const { bits, codes, block, scales, minimums } = tensor;
  const elements = new Float32Array((codes.length * 8) / bits);
  for (let index = 0; index < elements.length; index++) {
    const at = Math.floor(index / block);
    elements[index] = scales[at]! * codeAt(tensor, index);
    if (minimums !== undefined) elements[index]! += minimums[at]!;
  }
  return elements;
}

/** Matrices of codes of one form, one behind the other. */
export function joinedRows(parts: readonly QuantizedTensor[]): QuantizedTensor {
  const [first] = parts;
  const join = <T extends Uint8Array | Float32Array>(of: (part: QuantizedTensor) => T): T => {
    const each = parts.map(of);
    const size = each.reduce((sum, { length }) => sum + length, 0);
    const all = (each[0] instanceof Float32Array ? new Float32Array(size) : new Uint8Array(size)) as T;
    let at = 0;
    for (const values of each) {
      all.set(values, at);
      at += values.length;
    }
    return all;
  };
  return {
    ...first!,
    shape: [parts.reduce((sum, { shape }) => sum + shape[0]!, 0), first!.shape[1]!],
    codes: join(({ codes }) => codes),
    scales: join(({ scales }) => scales),
    minimums: first!.minimums && join(({ minimums }) => minimums!),
  };
}
