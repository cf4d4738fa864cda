import { quantizeMatrix } from "../quantize/blocks.ts";
import type { QuantizedForm, QuantizedTensor } from "../tensor/quantized.ts";
import type { Elements } from "./elements.ts";
import { PackedRows, type PackedRole } from "./packed-rows.ts";

/** A value that is there, or comes later. */
export type Soon<T> = T | Promise<T>;

/** Elements of a tensor from one up to another, as floats or as whole numbers. */
export type ReadElements = (kind: "f32" | "i32", first: number, end: number) => Soon<Elements>;

/** Rows of a matrix as codes, from one up to another. */
export type ReadRows = (first: number, end: number) => Soon<QuantizedTensor>;

/** A tensor that weights have as codes. */
export interface Coded {
  readonly form: QuantizedForm;
  readonly rows: ReadRows;
}

/** A weight that a model keeps as codes; \`shape\` is its own, and its columns are the rows that are quantized if it is transposed. */
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

export const andThen = <A, B>(value: Soon<A>, make: (value: A) => B): Soon<B> =>
  value instanceof Promise ? value.then(make) : make(value);

/** The parts of a packed weight: its codes as they are given, if they have its form, else made of its elements. */
export function packedParts(
  { shape, form, isTransposed }: PackedWeight,
  read: ReadElements,
  coded: Coded | undefined,
): readonly PackedPart[] {
  const [count, columns] = (isTransposed ? shape.toReversed() : shape) as [number, number];
  const rows = new PackedRows(count, columns, form);
  const isGiven = coded !== undefined && !isTransposed && isSameForm(coded.form, form);
  const make = isGiven
    ? coded.rows
    : isTransposed
      ? rowsAtOnce(shape, form, read)
      : rowsOfFloats(columns, form, read);
  const roles: readonly PackedRole[] = form.hasMinimums
    ? ["codes", "scales", "minimums"]
    : ["codes", "scales"];
  return roles.map((role) => ({
    role,
    shape: [count, rows.widthOf(role)],
    read: (first, end) => {
      const wanted = rows.wanted(role, first, end);
      if (wanted === undefined) return rows.take(role, first, end);
      return andThen(make(wanted.from, wanted.to), (made) => rows.take(role, first, end, made));
    },
  }));
}

const isSameForm = (a: QuantizedForm, b: QuantizedForm): boolean =>
  a.bits === b.bits && a.block === b.block && a.hasMinimums === b.hasMinimums;

const rowsOfFloats =
  (columns: number, { bits }: QuantizedForm, read: ReadElements): ReadRows =>
  (first, end) =>
    andThen(read("f32", first * columns, end * columns), (data) =>
      quantizeMatrix({ shape: [end - first, columns], data: data as Float32Array }, bits),
    );

/** Of a matrix that lies transposed all rows are made at once, and kept until the last are asked for. */
function rowsAtOnce(shape: readonly number[], { bits }: QuantizedForm, read: ReadElements): ReadRows {
  const [depth, rows] = shape as [number, number];
  let whole: Soon<QuantizedTensor> | undefined;
  return (first, end) => {
    whole ??= andThen(read("f32", 0, depth * rows), (data) =>
      quantizeMatrix({ shape: [depth, rows], data: data as Float32Array, isTransposed: true }, bits),
    );
    const found = andThen(whole, (all) => rowsBetween(all, first, end));
    if (end === rows) whole = undefined;
    return found;
  };
}

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
