import { makeData, sizeOf, type HostTensor } from "../../tensor/host.ts";
import { EvaluationError } from "./error.ts";
import { broadcastSizes, offsetsBy, stretchedStrides } from "./index-walk.ts";

type Numbers = ArrayLike<number>;

/** out[m, n] = Σ a[m, k] · b[n, k], rows of both dense. */
function rowsByRows(a: Numbers, b: Numbers, out: Float64Array, at: Places, sizes: Sizes): void {
  const { m, k, n } = sizes;
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      const [row, column] = [at.a + i * k, at.b + j * k];
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[row + p]! * b[column + p]!;
      out[at.out + i * n + j] = sum;
    }
}

/** out[m, n] = Σ a[m, k] · b[k, n]. */
function rowsByColumns(a: Numbers, b: Numbers, out: Float64Array, at: Places, sizes: Sizes): void {
  const { m, k, n } = sizes;
  for (let i = 0; i < m; i++)
    for (let p = 0; p < k; p++) {
      const factor = a[at.a + i * k + p]!;
      const [from, to] = [at.b + p * n, at.out + i * n];
      for (let j = 0; j < n; j++) out[to + j] = out[to + j]! + factor * b[from + j]!;
    }
}

interface Places {
  readonly a: number;
  readonly b: number;
  readonly out: number;
}

interface Sizes {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** The product over the last two axes of every pair of matrices that the leading axes make. */
export function evaluateMatmul(a: HostTensor, b: HostTensor, transposeB: boolean): HostTensor {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(transposeB ? -2 : -1)!;
  const leading = broadcastSizes([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const matrices = (x: HostTensor): Int32Array =>
    offsetsBy(leading, stretchedStrides(x.shape.slice(0, -2), leading));
  const [ofA, ofB] = [matrices(a), matrices(b)];
  const data = new Float64Array(ofA.length * m * n);
  const multiply = transposeB ? rowsByRows : rowsByColumns;
  for (let i = 0; i < ofA.length; i++)
    multiply(a.data, b.data, data, { a: ofA[i]! * m * k, b: ofB[i]! * k * n, out: i * m * n }, { m, k, n });
  return { dtype: a.dtype, shape: [...leading, m, n], data };
}

/** x Wᵀ + b. */
export function evaluateLinear(
  x: HostTensor,
  weight: HostTensor,
  bias: HostTensor | undefined,
  layout: "out_in" | "in_out",
): HostTensor {
  const transposed = layout === "out_in";
  const k = x.shape.at(-1)!;
  const n = weight.shape[transposed ? 0 : 1]!;
  const rows = sizeOf(x.shape.slice(0, -1));
  const data = new Float64Array(rows * n);
  const multiply = transposed ? rowsByRows : rowsByColumns;
  multiply(x.data, weight.data, data, { a: 0, b: 0, out: 0 }, { m: rows, k, n });
  if (bias !== undefined) for (let i = 0; i < data.length; i++) data[i] = data[i]! + bias.data[i % n]!;
  return { dtype: x.dtype, shape: [...x.shape.slice(0, -1), n], data };
}

/** Rows of a table by id. */
export function evaluateEmbedding(table: HostTensor, ids: HostTensor): HostTensor {
  const [entries, width] = table.shape as [number, number];
  const data = makeData(table.dtype, ids.data.length * width);
  for (let i = 0; i < ids.data.length; i++) {
    const id = ids.data[i]!;
    if (id < 0 || id >= entries)
      throw new EvaluationError(`the id ${id} is not in a table of ${entries} rows (0 to ${entries - 1})`);
    data.set(table.data.subarray(id * width, (id + 1) * width), i * width);
  }
  return { dtype: table.dtype, shape: [...ids.shape, width], data };
}
