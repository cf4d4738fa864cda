/** How the codes of a quantized tensor lie, and what stands beside them. */
export interface QuantizedForm {
  /**
   * Of a code. 8: a whole number with a sign, two's complement. 4: 0 to 15, two in a byte, the first in its lower half. 5: five
   * words for each 32 codes, four of their lower bits as those of 4 bits lie, then one of their fifth bits (`fifthBit`); 0 to 31
   * where there are minimums, else from that 16 less.
   */
  readonly bits: 4 | 5 | 8;
  /** Neighbours along the last axis that share a scale. */
  readonly block: 16 | 32;
  readonly hasMinimums: boolean;
  /** Codes of 8 bits that are all of -64 to 63: whoever multiplies them may do it faster. Not known if left off. */
  readonly isNarrow?: boolean;
  /** What beside the codes are binary16 numbers all, so that halves keep it without loss. */
  readonly halves?: "scales" | "scales and minimums";
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

/** What a quantized tensor has beside its codes. */
export type Beside = Pick<QuantizedTensor, "scales" | "minimums">;

/** Elements of a row that lie together whatever shares a scale: what kernels take at a time. */
export const ROW_UNIT = 32;

/** Bytes of the codes of a unit of 5 bits. */
export const FIVE_BYTES = (ROW_UNIT * 5) / 8;

/**
 * Where the fifth bit of a code of a unit stands in the word of such bits: what is eight codes apart lies two bits apart in a byte, so
 * that those of four bytes of lower halves come to stand above them by one shift, and those of what is four codes apart 16 bits apart.
 */
export const fifthBit = (index: number): number => 8 * ((index >> 1) & 3) + 2 * (index >> 3) + (index & 1);

/** What is taken from a code before it is scaled. */
export const zeroOf = (bits: number, hasMinimums: boolean): number => (bits === 5 && !hasMinimums ? 16 : 0);

/** The code of an element, counted through the tensor, as it lies. */
export function codeAt({ bits, codes }: Pick<QuantizedTensor, "bits" | "codes">, index: number): number {
  if (bits === 8) return (codes[index]! << 24) >> 24;
  if (bits === 4) return (codes[index >> 1]! >> (4 * (index & 1))) & 15;
  const [start, within] = [Math.floor(index / ROW_UNIT) * FIVE_BYTES, index % ROW_UNIT];
  const low = (codes[start + (within >> 1)]! >> (4 * (within & 1))) & 15;
  const place = fifthBit(within);
  return low | (((codes[start + ROW_UNIT / 2 + (place >> 3)]! >> (place & 7)) & 1) << 4);
}

/** The elements as float32: the product with the scale is rounded, then the sum with the minimum. */
export function dequantized(tensor: QuantizedTensor): Float32Array {
  const { bits, codes, block, scales, minimums } = tensor;
  const zero = zeroOf(bits, minimums !== undefined);
  const elements = new Float32Array((codes.length * 8) / bits);
  for (let index = 0; index < elements.length; index++) {
    const at = Math.floor(index / block);
    elements[index] = scales[at]! * (codeAt(tensor, index) - zero);
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
