import type { HostTensor } from "../../tensor/host.ts";
import { EvaluationError } from "./error.ts";
import { rowCount, scalarTensor } from "./norm.ts";
import { evaluateLogSoftmax } from "./reduce.ts";

/** The class of a row, checked against the width of the logits. */
export function classOf(targets: HostTensor, row: number, classes: number): number {
  const target = targets.data[row]!;
  if (target < 0 || target >= classes)
    throw new EvaluationError(`the target ${target} is not among ${classes} classes (0 to ${classes - 1})`);
  return target;
}

/** As torch.nn.functional.cross_entropy with reduction "mean"; NaN if every row is ignored, as there. */
export function evaluateCrossEntropy(
  logits: HostTensor,
  targets: HostTensor,
  { smoothing, ignore }: { readonly smoothing: number; readonly ignore: number | undefined },
): HostTensor {
  const classes = logits.shape.at(-1)!;
  const logarithms = evaluateLogSoftmax(logits, -1).data;
  let [loss, rows] = [0, 0];
  for (let row = 0; row < rowCount(logits); row++) {
    if (targets.data[row] === ignore) continue;
    const target = classOf(targets, row, classes);
    let all = 0;
    if (smoothing !== 0) for (let i = 0; i < classes; i++) all += logarithms[row * classes + i]!;
    loss -= (1 - smoothing) * logarithms[row * classes + target]! + (smoothing / classes) * all;
    rows++;
  }
  return scalarTensor(logits.dtype, loss / rows);
}

export function evaluateMeanSquaredError(x: HostTensor, y: HostTensor): HostTensor {
  let sum = 0;
  for (let i = 0; i < x.data.length; i++) sum += (x.data[i]! - y.data[i]!) ** 2;
  return scalarTensor(x.dtype, sum / x.data.length);
}

/** NaN if every row is ignored, as the loss. */
export function evaluateAccuracy(
  logits: HostTensor,
  targets: HostTensor,
  ignore: number | undefined,
): HostTensor {
  const classes = logits.shape.at(-1)!;
  let [right, rows] = [0, 0];
  for (let row = 0; row < rowCount(logits); row++) {
    if (targets.data[row] === ignore) continue;
    const target = classOf(targets, row, classes);
    const scores = [...logits.data.subarray(row * classes, (row + 1) * classes)];
    if (scores.indexOf(scores.reduce((a, b) => Math.max(a, b))) === target) right++;
    rows++;
  }
  return scalarTensor(logits.dtype, right / rows);
}
