import { ROW_UNIT, type QuantizedTensor } from "../tensor/quantized.ts";

/** A matrix of floats, row-major; `isTransposed`: its columns are the rows that are quantized. */
export interface Matrix {
  readonly shape: readonly [rows: number, columns: number];
  readonly data: Float32Array;
  readonly isTransposed?: boolean;
}

/** Rows of whole blocks, quantized: 8 bits around 0, or 4 bits with a whole zero point whose scale is searched. */
export function quantizeMatrix(matrix: Matrix, bits: 8 | 4): QuantizedTensor {
  const { shape, isTransposed = false } = matrix;
  const [rows, columns] = isTransposed ? [shape[1], shape[0]] : shape;
  const blocks = (rows * columns) / ROW_UNIT;
  const codes = new Uint8Array((rows * columns * bits) / 8);
  const scales = new Float32Array(blocks);
  const minimums = bits === 4 ? new Float32Array(blocks) : undefined;
  const read = new Float32Array(ROW_UNIT);
  for (let at = 0; at < blocks; at++) {
    fillBlock(matrix, at, columns, read);
    if (minimums === undefined) scales[at] = byteBlock(read, codes, at);
    else {
      const { scale, zero } = nibbleBlock(read, codes, at);
      scales[at] = scale;
      minimums[at] = -scale * zero + 0;
    }
  }
  return { shape: [rows, columns], bits, block: ROW_UNIT, codes, scales, minimums };
}

function fillBlock(
  { shape, data, isTransposed }: Matrix,
  at: number,
  columns: number,
  read: Float32Array,
): void {
  const start = at * ROW_UNIT;
  if (isTransposed !== true) {
    read.set(data.subarray(start, start + ROW_UNIT));
    return;
  }
  const [row, column] = [Math.floor(start / columns), start % columns];
  for (let i = 0; i < ROW_UNIT; i++) read[i] = data[(column + i) * shape[1] + row]!;
}

/** Codes of -127 to 127; the largest over 127 is the scale. */
function byteBlock(read: Float32Array, codes: Uint8Array, at: number): number {
  let largest = 0;
  for (const x of read) largest = Math.max(largest, Math.abs(x));
  const scale = Math.fround(largest / 127);
  for (let i = 0; i < ROW_UNIT; i++)
    codes[at * ROW_UNIT + i] = scale === 0 ? 0 : Math.round(read[i]! / scale);
  return scale;
}

/**
 * How much of the way from the least to the largest element the codes reach over, tried in turn: a few elements that are
 * held to the ends cost less than coarser steps for all.
 */
const reaches = Array.from({ length: 16 }, (_, i) => 1 - 0.025 * i);

interface Steps {
  readonly scale: number;
  readonly zero: number;
}

/** Codes of 0 to 15 around a whole zero point; of the scales that are tried the one whose squared errors are least. */
function nibbleBlock(read: Float32Array, codes: Uint8Array, at: number): Steps {
  const low = read.reduce((least, x) => Math.min(least, x), 0);
  const high = read.reduce((most, x) => Math.max(most, x), 0);
  let best: Steps = { scale: 0, zero: 0 };
  let least = Infinity;
  for (const reach of reaches) {
    const steps = stepsOver(low * reach, high * reach);
    const error = squaredError(read, steps);
    if (error < least) [best, least] = [steps, error];
  }
  for (let i = 0; i < ROW_UNIT; i += 2)
    codes[(at * ROW_UNIT + i) >> 1] = codeOf(read[i]!, best) | (codeOf(read[i + 1]!, best) << 4);
  return best;
}

function stepsOver(low: number, high: number): Steps {
  const scale = Math.fround((high - low) / 15);
  return { scale, zero: scale === 0 ? 0 : Math.min(15, Math.max(0, Math.round(-low / scale))) };
}

const codeOf = (x: number, { scale, zero }: Steps): number =>
  scale === 0 ? zero : Math.min(15, Math.max(0, Math.round(x / scale) + zero));

function squaredError(read: Float32Array, steps: Steps): number {
  let sum = 0;
  for (const x of read) sum += (steps.scale * (codeOf(x, steps) - steps.zero) - x) ** 2;
  return sum;
}
