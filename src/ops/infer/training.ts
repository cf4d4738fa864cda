import { constantDim, dim, productOfDims, sameDim } from "../../tensor/dim.ts";
import { showType, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { firstOf, floatElements, integerElements } from "./check.ts";
import { inferBatchNorm } from "./spatial.ts";

type Types = readonly TensorType[] | Mismatch;

/** A share of at least 0 and below 1. */
const shareBelowOne = (name: string, value: number): Mismatch | undefined =>
  value >= 0 && value < 1
    ? undefined
    : new Mismatch(name, `expected a share of at least 0 and below 1, got ${value}`);

/** x, and a key of two whole numbers if elements are to be dropped. */
export const inferDropout = (x: TensorType, key: TensorType | undefined, rate: number): Types =>
  firstOf(floatElements("x", x), key && keyOfTwo(key), shareBelowOne("rate", rate)) ?? [x];

const keyOfTwo = (key: TensorType): Mismatch | undefined =>
  integerElements("key", key) ??
  (key.shape.length === 1 && sameDim(key.shape[0], dim(2))
    ? undefined
    : new Mismatch("key", `expected the seed and the number of the step, [2], got ${showType(key)}`));

/** What batch statistics need, as torch.nn.BatchNorm does: of one value the variance is 0, and its gradient is lost. */
export const oneValue = "expected more than one value a channel to take the statistics of a batch";

/** Four vectors: mean, variance and both running statistics as they are next. */
export function inferBatchStatistics(
  x: TensorType,
  running: { readonly running_mean: TensorType; readonly running_variance: TensorType },
  { axis, momentum }: { readonly axis: number; readonly momentum: number },
): Types {
  const checked = inferBatchNorm(x, running, axis);
  if (checked instanceof Mismatch) return checked;
  if (!(momentum >= 0 && momentum <= 1))
    return new Mismatch("momentum", `expected a share between 0 and 1, got ${momentum}`);
  const others = productOfDims(x.shape.filter((_, each) => each !== axis));
  if (constantDim(others) === 1) return new Mismatch("x", `${oneValue}, ${showType(x)} has one`);
  const statistic = { dtype: x.dtype, shape: [x.shape[axis]!] };
  return [statistic, statistic, running.running_mean, running.running_variance];
}
