import type { HostTensor } from "../../src/tensor/host.ts";

/** transformers' rule scales q by keys ^ -1/2, which the op leaves to its caller. */
export const scaled = (tensor: HostTensor, by: number): HostTensor => ({
  ...tensor,
  data: Float64Array.from(tensor.data, (number) => number * by),
});
