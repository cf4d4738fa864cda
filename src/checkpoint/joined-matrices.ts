import { dtypeBytes } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/host.ts";
import type { QuantizedTensor } from "../tensor/quantized.ts";
import { partRanges } from "../weights/ranges.ts";
import { partsOf, type ReadPart } from "./parts.ts";
import { codesAlike, floatsOf, rowsOfCodes } from "./stacks.ts";
import type { CheckpointTensor, StoredQuantized } from "./tensors.ts";

/* Matrices whose rows are those of several: of gates and of what they gate, of keys and of values. */

/** Rows of a part and where they go: row `from` to row `to`, each next one a stride behind it. */
interface Run {
  readonly part: number;
  readonly from: number;
  readonly count: number;
  readonly to: number;
}

/** How the rows of a matrix are made of those of parts. */
class RowPlan {
  /** Rows of a matrix. */
  readonly rows: number;
  readonly stride: number;
  readonly #counts: readonly number[];
  readonly #offsets: readonly number[];

  constructor(counts: readonly number[], isAlternating: boolean) {
    this.#counts = counts;
    this.rows = counts.reduce((sum, count) => sum + count, 0);
    this.stride = isAlternating ? counts.length : 1;
    this.#offsets = counts.map((_, part) =>
      isAlternating ? part : counts.slice(0, part).reduce((sum, count) => sum + count, 0),
    );
  }

  /** What rows from one up to another, counted through all matrices, are made of; `to` is counted from the first. */
  runs(first: number, end: number): readonly Run[] {
    return partRanges(this.rows, first, end).flatMap(({ part: matrix, first: from, end: to }) =>
      this.#counts.flatMap((count, part) => {
        const offset = this.#offsets[part]!;
        const within = (row: number): number =>
          Math.min(count, Math.max(0, Math.ceil((row - offset) / this.stride)));
        const [begin, behind] = [within(from), within(to)];
        const place = matrix * this.rows + offset + this.stride * begin - first;
        return behind > begin
          ? [{ part, from: matrix * count + begin, count: behind - begin, to: place }]
          : [];
      }),
    );
  }
}

/**
 * Matrices [..E, N, K] as one tensor whose matrices have the rows of all, those of each part behind those of the one before, or
 * alternating; and biases [..E, N] as well, with `axes` 1. Undefined where their shapes do not fit together. Nothing is read.
 */
export function joinMatrices(
  tensors: readonly CheckpointTensor[],
  { axes = 2, isAlternating = false }: { readonly axes?: 1 | 2; readonly isAlternating?: boolean } = {},
): CheckpointTensor | undefined {
  const [first] = tensors as [CheckpointTensor];
  const split = (shape: readonly number[]) => ({
    outer: shape.slice(0, -axes),
    rows: shape.at(-axes),
    inner: axes === 2 ? shape.slice(-1) : [],
  });
  const parts = tensors.map(({ shape }) => split(shape));
  const { outer, inner } = parts[0]!;
  const counts = parts.flatMap(({ rows }) => rows ?? []);
  const fits = parts.every(
    (each) => each.outer.join() === outer.join() && each.inner.join() === inner.join(),
  );
  if (!fits || counts.length < tensors.length || (isAlternating && new Set(counts).size > 1))
    return undefined;
  const plan = new RowPlan(counts, isAlternating);
  const shape = [...outer, plan.rows, ...inner];
  const isAlike = tensors.every(({ dtype }) => dtype === first.dtype);
  const dtype = isAlike ? first.dtype : "f32";
  const readers = tensors.map((tensor): ReadPart => {
    const read = partsOf(tensor);
    return isAlike ? read : (from, end) => floatsOf(read(from, end));
  });
  const size = sizeOf(inner);
  const width = dtypeBytes[dtype] * size;
  const readPart: ReadPart = (from, end) => {
    const [top, bottom] = [Math.floor(from / size), Math.ceil(end / size)];
    const bytes = new Uint8Array(width * (bottom - top));
    for (const { part, from: row, count, to } of plan.runs(top, bottom))
      putRows(readers[part]!(row * size, (row + count) * size).bytes, bytes, width, to, plan.stride);
    const each = width / size;
    return {
      dtype,
      shape: [end - from],
      bytes: bytes.subarray(each * (from - top * size), each * (end - top * size)),
    };
  };
  const quantized = axes === 2 ? joinedCodes(tensors, counts, plan, sizeOf(outer)) : undefined;
  return {
    dtype,
    shape,
    read: () => ({ ...readPart(0, sizeOf(shape)), shape }),
    readPart,
    ...(quantized === undefined ? {} : { quantized }),
  };
}

function joinedCodes(
  tensors: readonly CheckpointTensor[],
  counts: readonly number[],
  plan: RowPlan,
  matrices: number,
): StoredQuantized | undefined {
  const codes = codesAlike(tensors);
  if (codes === undefined || codes.isTransposed === true) return undefined;
  const readers = codes.all.map((each, part) => rowsOfCodes(each, matrices * counts[part]!));
  const readRows = (first: number, end: number): QuantizedTensor => {
    const runs = plan.runs(first, end).map((run) => {
      const rows = readers[run.part]!(run.from, run.from + run.count);
      // What is read next may take the place of what was read before.
      const kept = {
        codes: rows.codes.slice(),
        scales: rows.scales.slice(),
        minimums: rows.minimums?.slice(),
      };
      return { ...run, rows: { ...rows, ...kept } };
    });
    const [{ rows: any }] = runs as [(typeof runs)[number]];
    const joined = <T extends Uint8Array | Float32Array>(role: (rows: QuantizedTensor) => T, empty: T): T => {
      for (const { rows, count, to } of runs)
        putRows(role(rows), empty, role(rows).length / count, to, plan.stride);
      return empty;
    };
    const lengthOf = (values: Uint8Array | Float32Array): number =>
      (values.length / any.shape[0]!) * (end - first);
    return {
      ...any,
      shape: [end - first, any.shape[1]!],
      codes: joined((rows) => rows.codes, new Uint8Array(lengthOf(any.codes))),
      scales: joined((rows) => rows.scales, new Float32Array(lengthOf(any.scales))),
      minimums: any.minimums && joined((rows) => rows.minimums!, new Float32Array(lengthOf(any.minimums))),
    };
  };
  return { form: codes.form, read: () => readRows(0, matrices * plan.rows), readRows };
}

/** Puts rows of so many values to a row and those `stride` rows behind it. */
function putRows<T extends Uint8Array | Float32Array>(
  values: T,
  into: T,
  width: number,
  to: number,
  stride: number,
): void {
  for (let row = 0; row * width < values.length; row++)
    into.set(values.subarray(row * width, (row + 1) * width), (to + stride * row) * width);
}
