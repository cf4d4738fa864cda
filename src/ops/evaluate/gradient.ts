import type { HostTensor } from "../../tensor/host.ts";
import { EvaluationError } from "./error.ts";
import { classOf } from "./loss.ts";
import { rowCount } from "./norm.ts";
import { evaluateSoftmax } from "./reduce.ts";

export function evaluateEmbeddingGrad(grad: HostTensor, ids: HostTensor, rows: number): HostTensor {
  const width = grad.shape.at(-1)!;
  const data = new Float64Array(rows * width);
  for (let i = 0; i < grad.data.length; i++) {
    const id = ids.data[Math.floor(i / width)]!;
    if (id < 0 || id >= rows)
      throw new EvaluationError(`the id ${id} is not in a table of ${rows} rows (0 to ${rows - 1})`);
    data[id * width + (i % width)]! += grad.data[i]!;
  }
  return { dtype: grad.dtype, shape: [rows, width], data };
}

export function evaluateLinearWeightGrad(
  grad: HostTensor,
  x: HostTensor,
  layout: "out_in" | "in_out",
): HostTensor {
  const [first, second] = layout === "out_in" ? [grad, x] : [x, grad];
  const [m, n] = [first.shape.at(-1)!, second.shape.at(-1)!];
  const data = new Float64Array(m * n);
  for (let row = 0; row < rowCount(x); row++)
    for (let i = 0; i < m; i++) {
      const factor = first.data[row * m + i]!;
      for (let j = 0; j < n; j++) data[i * n + j]! += factor * second.data[row * n + j]!;
    }
  return { dtype: grad.dtype, shape: [m, n], data };
}

export function evaluateCrossEntropyGrad(
  grad: HostTensor,
  logits: HostTensor,
  targets: HostTensor,
  { smoothing, ignore }: { readonly smoothing: number; readonly ignore: number | undefined },
): HostTensor {
  const classes = logits.shape.at(-1)!;
  const data = Float64Array.from(evaluateSoftmax(logits, -1).data);
  const counted = targets.data.filter((target) => target !== ignore).length;
  const scale = grad.data[0]! / counted;
  for (let row = 0; row < rowCount(logits); row++) {
    const start = row * classes;
    if (targets.data[row] === ignore) {
      data.fill(0, start, start + classes);
      continue;
    }
    data[start + classOf(targets, row, classes)]! -= 1 - smoothing;
    for (let i = start; i < start + classes; i++) data[i] = (data[i]! - smoothing / classes) * scale;
  }
  return { ...logits, data };
}
