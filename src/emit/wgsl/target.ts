import type { KernelCall } from "../../kernels/contracts.ts";
import { portableTarget, wordStorage, type Target } from "../../kernels/target.ts";
import type { View } from "../../kernels/view.ts";
import { constantDim } from "../../tensor/dim.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { elementsOf } from "../../tensor/type.ts";

/**
 * What half precision is used for. `storage`: floats lie in 16 bits in buffers and in the tiles of products, and are
 * widened before anything is computed: a product of two halves is exact in f32, so only what is stored is rounded.
 * `arithmetic`: products of matrices and plain steps of chains (+, -, ·, min, max, select, comparisons) are computed in
 * f16 as well, which is faster where a device has twice the rate for it, and costs up to 2⁻¹¹ of each product. Either way
 * sums, statistics, softmax, attention's scores, quotients, powers and transcendental functions are f32.
 */
export type HalfUse = "storage" | "arithmetic";

/** What the emitted shaders may use of a device beyond the core of WebGPU. */
export interface WgslTarget extends Target {
  readonly splitOf: NonNullable<Target["splitOf"]>;
  /** Needs the feature `shader-f16`; undefined for none. */
  readonly f16: HalfUse | undefined;
  /** Rows are summed within subgroups first. Needs the feature `subgroups`. */
  readonly subgroups: boolean;
}

/** What a user asks of the target. */
export interface TargetOptions {
  /** True is `storage`. The device must have been asked for the feature `shader-f16`. */
  readonly f16?: boolean | HalfUse;
  /** Rows are summed within subgroups first. The device must have been asked for the feature `subgroups`. */
  readonly subgroups?: boolean;
}

export function targetOf({ f16 = false, subgroups = false }: TargetOptions): WgslTarget {
  const use = f16 === true ? "storage" : f16 === false ? undefined : f16;
  return {
    ...portableTarget,
    name: "wgsl",
    isDevice: true,
    splitOf,
    f16: use,
    subgroups,
    // What a training keeps stays in 32 bits: an update may be smaller than what half precision tells apart.
    storageOf: (buffer) =>
      use !== undefined && isFloat(buffer.dtype) && buffer.home !== "state" ? "f16" : wordStorage(buffer),
  };
}

/** The largest binding that every device allows, in bytes: WebGPU's default maxStorageBufferBindingSize. */
const DEFAULT_BINDING_BYTES = 128 * 2 ** 20;

/** Tables and weights [N, K] are bound part by part where a device with the default limits cannot bind them whole. */
function splitOf(
  { op, operands, attrs }: KernelCall,
  elementBytes: (buffer: number) => number,
): string | undefined {
  const isTooLarge = ({ type, buffer }: View): boolean =>
    (constantDim(elementsOf(type)) ?? 0) * elementBytes(buffer) > DEFAULT_BINDING_BYTES;
  if (op === "embedding") return isTooLarge(operands.table) ? "table" : undefined;
  if (op !== "linear_epilogue" || attrs.layout !== "out_in") return undefined;
  return isTooLarge(operands.weight) ? "weight" : undefined;
}
