import { quantizeMatrix } from "../quantize/blocks.ts";
import { joinedRows, type Beside, type QuantizedForm, type QuantizedTensor } from "../tensor/quantized.ts";
import type { Elements } from "./elements.ts";
import { PackedRows, type PackedRole } from "./packed-rows.ts";
import { andThen, type ReadElements, type Soon } from "./soon.ts";
import { partRanges } from "./ranges.ts";

/** Rows of a matrix as codes, from one up to another. */
export type ReadRows = (first: number, end: number) => Soon<QuantizedTensor>;

/** The same of what such rows have beside their codes. */
export type ReadBeside = (first: number, end: number) => Soon<Beside>;

/** A tensor that weights have as codes: of the rows as they lie, or of the columns of its matrices if it is transposed. */
export interface Coded {
  readonly form: QuantizedForm;
  readonly rows: ReadRows;
  /** What stands beside the codes of rows alone, where that costs little: then none of it is kept. */
  readonly beside?: ReadBeside | undefined;
  readonly isTransposed?: boolean;
}

/**
 * A weight that a model keeps as codes, a matrix or a stack of them; \`shape\` is its own, and the columns of its matrices are the rows
 * that are quantized if it is transposed.
 */
export interface PackedWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly form: QuantizedForm;
  readonly isTransposed: boolean;
}

/** What a packed weight has in its place: the words of all rows, read a part at a time. */
export interface PackedPart {
  readonly role: PackedRole;
  readonly shape: readonly number[];
  readonly read: (first: number, end: number) => Soon<Elements>;
}

/** The parts of a packed weight: its codes as they are given, if they have its form, else made of its elements. */
export function packedParts(
  { shape, form, isTransposed }: PackedWeight,
  read: ReadElements,
  coded: Coded | undefined,
): readonly PackedPart[] {
  const [height, columns] = (isTransposed ? shape.toReversed() : shape.slice(-2)) as [number, number];
  const matrices = shape.length === 3 ? shape[0]! : 1;
  const count = matrices * height;
  const isGiven =
    coded !== undefined && (coded.isTransposed ?? false) === isTransposed && isSameForm(coded.form, form);
  const beside = isGiven ? coded.beside : undefined;
  const rows = new PackedRows(count, columns, form, beside === undefined);
  const make = isGiven
    ? coded.rows
    : isTransposed
      ? rowsAtOnce(columns, height, form, read)
      : rowsOfFloats(columns, form, read);
  const roles: readonly PackedRole[] = form.hasMinimums
    ? ["codes", "scales", "minimums"]
    : ["codes", "scales"];
  return roles.map((role) => ({
    role,
    shape: [count, rows.widthOf(role)],
    read: (first, end) => {
      const wanted = rows.wanted(role, first, end);
      if (wanted !== undefined && role !== "codes" && beside !== undefined)
        return andThen(beside(wanted.from, wanted.to), (made) => rows.take(role, first, end, made));
      if (wanted === undefined) return rows.take(role, first, end);
      return andThen(make(wanted.from, wanted.to), (made) => rows.take(role, first, end, made));
    },
  }));
}

const isSameForm = (a: QuantizedForm, b: QuantizedForm): boolean =>
  a.bits === b.bits && a.block === b.block && a.hasMinimums === b.hasMinimums;

const rowsOfFloats =
  (columns: number, form: QuantizedForm, read: ReadElements): ReadRows =>
  (first, end) =>
    andThen(read("f32", first * columns, end * columns), (data) =>
      quantizeMatrix({ shape: [end - first, columns], data: data as Float32Array }, madeBits(form)),
    );

/** Bits of codes that floats may become. */
export function madeBits({ bits }: QuantizedForm): 4 | 8 {
  if (bits === 5) throw new Error("codes of 5 bits are read, not made");
  return bits;
}

/** Of a matrix [depth, rows] that lies transposed all rows are made at once, and kept until another is asked for, or the last of its own. */
function rowsAtOnce(depth: number, rows: number, form: QuantizedForm, read: ReadElements): ReadRows {
  const size = depth * rows;
  let whole: { readonly matrix: number; readonly made: Soon<QuantizedTensor> } | undefined;
  const matrixOf = (matrix: number): Soon<QuantizedTensor> => {
    if (whole?.matrix === matrix) return whole.made;
    const made = andThen(read("f32", matrix * size, (matrix + 1) * size), (data) =>
      quantizeMatrix(
        { shape: [depth, rows], data: data as Float32Array, isTransposed: true },
        madeBits(form),
      ),
    );
    whole = { matrix, made };
    return made;
  };
  return stackedRows(
    (matrix) => (first, end) =>
      andThen(matrixOf(matrix), (all) => {
        if (end === rows) whole = undefined;
        return rowsBetween(all, first, end);
      }),
    rows,
  );
}

/** The rows of matrices of so many rows that lie one behind the other. */
export const stackedRows =
  (matrix: (index: number) => ReadRows, rows: number): ReadRows =>
  (first, end) => {
    const ranges = partRanges(rows, first, end);
    const made: QuantizedTensor[] = [];
    const [only] = ranges;
    if (ranges.length === 1) return matrix(only!.part)(only!.first, only!.end);
    const all = ranges.reduce<Soon<unknown>>(
      (before, range) =>
        andThen(before, () =>
          andThen(matrix(range.part)(range.first, range.end), (found) => {
            made.push(copied(found));
          }),
        ),
      undefined,
    );
    return andThen(all, () => joinedRows(made));
  };

/** What is read next may take the place of what was read before. */
const copied = (tensor: QuantizedTensor): QuantizedTensor => ({
  ...tensor,
  codes: tensor.codes.slice(),
  scales: tensor.scales.slice(),
  minimums: tensor.minimums?.slice(),
});

/** Rows of a matrix of codes. */
export function rowsBetween(tensor: QuantizedTensor, first: number, end: number): QuantizedTensor {
  const [rows, columns] = tensor.shape as [number, number];
  const between = <T extends Uint8Array | Float32Array>(values: T): T =>
    values.subarray((values.length / rows) * first, (values.length / rows) * end) as T;
  return {
    ...tensor,
    shape: [end - first, columns],
    codes: between(tensor.codes),
    scales: between(tensor.scales),
    minimums: tensor.minimums && between(tensor.minimums),
  };
}
