import { dequantized, type QuantizedForm, type QuantizedTensor } from "../tensor/quantized.ts";
import type { Elements } from "./elements.ts";
import { WeightsError } from "./error.ts";
import type { Coded } from "./packed.ts";
import { andThen, type ReadElements, type Soon } from "./soon.ts";

/** A tensor of a file as what joins codes needs to know it. */
export interface CodePart {
  readonly shape: readonly number[];
  readonly isFloat: boolean;
  readonly read: ReadElements;
}

/** A matrix of which a file has codes, and its elements. */
export interface CodedMatrix extends Coded {
  readonly shape: readonly [rows: number, columns: number];
  readonly elements: (first: number, end: number) => Soon<Elements>;
}

/**
 * The matrices that tensors of compressed-tensors are, as \`lmg quantize\` writes them: X.weight of whole numbers with X.weight_scale,
 * or X.weight_packed of codes of 4 bits with it, and zero points or none. Each with the names of its tensors.
 */
export function codedMatrices(
  given: ReadonlyMap<string, CodePart>,
): readonly { readonly name: string; readonly parts: readonly string[]; readonly matrix: CodedMatrix }[] {
  return [...given].flatMap(([tensor, codes]) => {
    const isPacked = tensor.endsWith("_packed");
    const name = isPacked ? tensor.slice(0, -"_packed".length) : tensor;
    const scale = given.get(name + "_scale");
    if (scale === undefined || codes.isFloat || codes.shape.length !== 2) return [];
    const zeros = given.get(name + "_zero_point");
    const parts = [tensor, ...["_scale", "_zero_point", "_shape"].map((ending) => name + ending)];
    if (!isPacked && zeros !== undefined)
      throw new WeightsError(["zero points of 8 bits: " + name + " has some, and lmg writes none"]);
    return [{ name, parts, matrix: codedMatrix(name, codes, scale, isPacked ? { zeros } : undefined) }];
  });
}

/** Neighbours that share a scale in what models keep. */
const SHARED = 32;

function codedMatrix(
  name: string,
  codes: CodePart,
  scale: CodePart,
  packed: { readonly zeros: CodePart | undefined } | undefined,
): CodedMatrix {
  const [rows, width] = codes.shape as [number, number];
  // Eight codes of 4 bits are a word.
  const columns = packed === undefined ? width : 8 * width;
  const groups = scale.shape.length === 2 && scale.shape[0] === rows ? scale.shape[1]! : 0;
  const group = columns / groups;
  if (!Number.isInteger(group) || group % SHARED !== 0)
    throw new WeightsError([
      "scales: " + name + " has [" + scale.shape.join(", ") + "], not one for each 32 of a row, or for more",
    ]);
  const form: QuantizedForm = {
    bits: packed === undefined ? 8 : 4,
    block: SHARED,
    hasMinimums: packed !== undefined,
  };
  const readRows = (first: number, end: number): Soon<QuantizedTensor> => {
    const reading = codes.read("i32", first * width, end * width);
    return andThen(
      andThen(reading, (words) => codesOf(words, form.bits)),
      (own) =>
        andThen(scalesBetween(scale, groups, first, end), (scales) =>
          andThen(
            packed === undefined ? undefined : zerosBetween(packed.zeros, groups, first, end),
            (zeros) => ({
              shape: [end - first, columns],
              bits: form.bits,
              block: SHARED,
              codes: own,
              scales: spread(scales, group / SHARED),
              minimums:
                zeros &&
                spread(
                  scales.map((each, at) => -each * zeros[at]! + 0),
                  group / SHARED,
                ),
            }),
          ),
        ),
    );
  };
  return {
    shape: [rows, columns],
    form,
    rows: readRows,
    elements: (first, end) => {
      const from = Math.floor(first / columns);
      return andThen(readRows(from, Math.ceil(end / columns)), (some) =>
        dequantized(some).subarray(first - from * columns, end - from * columns),
      );
    },
  };
}

/** A copy: what is read next may take the place of this. */
const codesOf = (words: Elements, bits: number): Uint8Array =>
  bits === 8 ? Uint8Array.from(words) : new Uint8Array(Int32Array.from(words).buffer);

const scalesBetween = (scale: CodePart, groups: number, first: number, end: number): Soon<Float32Array> =>
  andThen(scale.read("f32", first * groups, end * groups), (found) => Float32Array.from(found));

/** The zero points of rows, of which eight of a group are a word; 8 where there are none. */
function zerosBetween(
  zeros: CodePart | undefined,
  groups: number,
  first: number,
  end: number,
): Soon<Uint8Array> {
  const points = new Uint8Array((end - first) * groups).fill(8);
  if (zeros === undefined) return points;
  const line = Math.floor(first / 8);
  return andThen(zeros.read("i32", line * groups, Math.ceil(end / 8) * groups), (words) =>
    points.map((_, at) => {
      const [row, group] = [first + Math.floor(at / groups), at % groups];
      return (words[(Math.floor(row / 8) - line) * groups + group]! >>> (4 * (row % 8))) & 15;
    }),
  );
}

/** Each as often as there are blocks that share it. */
const spread = (values: Float32Array, times: number): Float32Array =>
  times === 1
    ? values
    : Float32Array.from({ length: values.length * times }, (_, at) => values[Math.floor(at / times)]!);
