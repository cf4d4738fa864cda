import { Problem, quote, showSizes } from "../../checkpoint/problem.ts";
import { elementsOf, toHostTensor, type NumberArray, type StoredTensor } from "../../checkpoint/stored.ts";
import { countOf } from "../../support/text.ts";
import { isFloat, roundTo } from "../../tensor/dtype.ts";
import { makeData, sizeOf, type HostData, type HostTensor } from "../../tensor/host.ts";
import type { WantedTensor } from "./wanted.ts";

/** An array whose rows feed an input or a target. */
export interface Column {
  readonly wanted: WantedTensor;
  /** The array in words, for messages: `images.idx.gz`. */
  readonly from: string;
  readonly rows: number;
  /** The shape of a row as the file has it. */
  readonly shape: readonly number[];
  readonly values: NumberArray;
  /** What each byte becomes for a float input, 0 to 1; undefined where the values stay as they are. */
  readonly levels: Float64Array | undefined;
}

/** The array as a column; whether its elements are some that the model takes, `wrongElement` says. */
export function columnOf(stored: StoredTensor, wanted: WantedTensor, from: string): Column | Problem {
  const [rows, ...shape] = stored.shape;
  if (rows === undefined || sizeOf(stored.shape) === 0)
    return new Problem("E757", `${from}: the array ${showSizes(stored.shape)} has no rows`);
  const values = valuesFor(stored, wanted, from);
  if (values instanceof Problem) return values;
  const levels = stored.dtype === "u8" && isFloat(wanted.type.dtype) ? byteLevels(wanted) : undefined;
  return { wanted, from, rows, shape, values, levels };
}

const byteLevels = ({ type }: WantedTensor): Float64Array =>
  Float64Array.from({ length: 256 }, (_, byte) => roundTo(type.dtype, byte / 255));

/** Integers of 64 bits must fit in 32; floats of 64 bits are rounded where the model reads 32. */
function valuesFor(stored: StoredTensor, { type }: WantedTensor, from: string): NumberArray | Problem {
  const elements = elementsOf(stored);
  if (elements instanceof Float64Array && type.dtype !== "f64") return Float32Array.from(elements);
  if (!(elements instanceof BigInt64Array)) return elements;
  const tensor = toHostTensor(stored, from);
  return tensor instanceof Problem ? tensor : tensor.data;
}

/** The first element that the model cannot take. */
export function wrongElement(column: Column): Problem | undefined {
  const { wanted, values } = column;
  if (isFloat(wanted.type.dtype) && !isFloatArray(values)) return undefined;
  const accepts = acceptance(wanted);
  const at = values.findIndex((value) => !accepts(value));
  if (at < 0) return undefined;
  const row = Math.floor(at / sizeOf(column.shape));
  return new Problem(
    "E758",
    `${column.from}: row ${row} has ${values[at]!}, but ${quote(wanted.name)} takes ${whatIsTaken(wanted)}`,
    values[at]! < 0 && canIgnore(wanted)
      ? `where it stands for none, every loss and metric that reads it needs \`ignore: ${values[at]!}\``
      : undefined,
  );
}

/** A class that a loss or a metric reads, and that none, or not all, pass over. */
const canIgnore = ({ isTarget, below, ignored }: WantedTensor): boolean =>
  isTarget && below !== undefined && ignored === undefined;

const isFloatArray = (values: NumberArray): boolean =>
  values instanceof Float32Array || values instanceof Float64Array;

function acceptance({ type, below, ignored }: WantedTensor): (value: number) => boolean {
  if (isFloat(type.dtype)) return (value) => !Number.isNaN(value);
  if (type.dtype === "bool") return (value) => value === 0 || value === 1;
  if (below === undefined) return (value) => (value | 0) === value;
  return (value) => (Number.isInteger(value) && value >= 0 && value < below) || value === ignored;
}

function whatIsTaken({ type, below, ignored }: WantedTensor): string {
  if (isFloat(type.dtype)) return "numbers";
  if (type.dtype === "bool") return "0 and 1";
  if (below === undefined) return "whole numbers of 32 bits";
  return `whole numbers from 0 to ${below - 1}${ignored === undefined ? "" : `, and ${ignored} for none`}`;
}

/** `image from images.idx.gz, bytes / 255`. */
export const describeColumn = ({ wanted, from, levels }: Column): string =>
  `${wanted.name} from ${from}${levels !== undefined ? ", bytes / 255" : ""}`;

/** Every column has as many rows as the first. */
export function rowsDiffer([first, ...others]: readonly Column[]): Problem | undefined {
  const other = others.find(({ rows }) => rows !== first?.rows);
  if (first === undefined || other === undefined) return undefined;
  return new Problem(
    "E757",
    `${first.from} has ${rowsOf(first)} for ${quote(first.wanted.name)}, but ${other.from} has ${rowsOf(other)} for ` +
      quote(other.wanted.name),
  );
}

const rowsOf = ({ rows }: Column): string => countOf(rows, "row");

/** Some rows of the column as a tensor of the given row shape, which has as many elements as that of the file. */
export function gather(column: Column, rows: Int32Array, shape: readonly number[]): HostTensor {
  const { wanted, values, levels } = column;
  const { dtype } = wanted.type;
  const size = sizeOf(shape);
  const data = makeData(dtype, rows.length * size);
  for (const [place, row] of rows.entries()) {
    const source = values.subarray(row * size, (row + 1) * size);
    if (levels === undefined) data.set(source, place * size);
    else lookUp(levels, source, data, place * size);
  }
  return { dtype, shape: [rows.length, ...shape], data };
}

function lookUp(levels: Float64Array, bytes: NumberArray, to: HostData, start: number): void {
  for (let i = 0; i < bytes.length; i++) to[start + i] = levels[bytes[i]!]!;
}
