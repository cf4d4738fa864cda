import { Problem, showSizes } from "../problem.ts";
import { isInOrder, unordered } from "./compressed-tensors.ts";
import { floatsOf, integersOf, published, type GridSizes, type Parts, type Published } from "./grid.ts";

/*
 * GPTQ (AutoGPTQ, GPTQModel) and AWQ (AutoAWQ), 4 bits: both store the weight as [K, N]. GPTQ packs along K, [K / 8, N], the lowest
 * first, and zero points less one along N, [groups, N / 8]; AWQ packs both along N, the nibbles of a word in the order
 * 0 2 4 6 1 3 5 7.
 */

/** Where the nibble of column i of eight stands in a word of AWQ. */
const awqPlaces = [0, 4, 1, 5, 2, 6, 3, 7];

/** X.qweight with X.qzeros and X.scales. */
export function columnWords(parts: Parts, name: string): Published | Problem | undefined {
  const [words, zeros, scale, order] = ["qweight", "qzeros", "scales", "g_idx"].map((part) =>
    parts.get(part),
  );
  if (words === undefined) return undefined;
  if (words.dtype !== "i32" || zeros === undefined || scale === undefined || scale.shape.length !== 2)
    return new Problem(
      "E725",
      `${name} needs qzeros and scales beside it, as GPTQ and AWQ have them`,
      "was the checkpoint written whole?",
    );
  const [groups, rows] = scale.shape as [number, number];
  const [first, second] = words.shape as [number, number];
  const isAwq = second * 8 === rows;
  const columns = isAwq ? first : first * 8;
  // Zero points have as many bits as codes.
  const has4Bits = zeros.shape[1]! * 8 === rows;
  if (!has4Bits || (!isAwq && second !== rows) || columns % groups !== 0)
    return new Problem(
      "E725",
      `${name}: words ${showSizes(words.shape)} with scales ${showSizes(scale.shape)} are no 4-bit codes of GPTQ or AWQ`,
      "convert the checkpoint to f32, f16 or bf16",
    );
  const group = columns / groups;
  if (order !== undefined && !isInOrder(integersOf(order), group)) return unordered(name);
  const sizes: GridSizes = { rows, columns, bits: 4, group, hasZeros: true };
  const read = () => {
    const [codes, points, scales] = [integersOf(words), integersOf(zeros), floatsOf(scale)];
    const across = (list: Int32Array, line: number, row: number): number => {
      const place = isAwq ? awqPlaces[row % 8]! : row % 8;
      return (list[line * (rows / 8) + (row >> 3)]! >>> (4 * place)) & 15;
    };
    return {
      ...sizes,
      code: (row: number, column: number) =>
        isAwq ? across(codes, column, row) : (codes[(column >> 3) * rows + row]! >>> (4 * (column & 7))) & 15,
      scale: (row: number, at: number) => scales[at * rows + row]!,
      zero: (row: number, at: number) => across(points, at, row) + (isAwq ? 0 : 1),
    };
  };
  return published(sizes, read, name);
}
