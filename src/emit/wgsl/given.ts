import type { View } from "../../kernels/view.ts";

/* What the body of a kernel is given, by the names that it uses. */

/** An operand or result in the text of a kernel. */
export interface Tensor {
  readonly view: View;
  /** Whether it lies in 16 bits. */
  readonly isHalf: boolean;
  /** Its element at an index, as f32 or i32. */
  readonly at: (index: string) => string;
  /** Its element at an index as it lies in memory: f16 if `isHalf`. */
  readonly raw: (index: string) => string;
  /** The statement that stores a value there; `type` says what the value is if it is an f16 already. */
  readonly put: (index: string, value: string, type?: "f16") => string;
}

/** Views by the names that they have in the kernel; undefined for an operand that is not there. */
export type Views = Readonly<Record<string, View | undefined>>;

export type Tensors<V extends Views> = {
  readonly [K in keyof V]: undefined extends V[K] ? Tensor | undefined : Tensor;
};

/** What the entry point is given, by the names that bodies use. */
export const builtins = {
  id: "@builtin(global_invocation_id) id: vec3u",
  group: "@builtin(workgroup_id) group: vec3u",
  groups: "@builtin(num_workgroups) groups: vec3u",
  local: "@builtin(local_invocation_id) local: vec3u",
  lane: "@builtin(local_invocation_index) lane: u32",
  subgroup_size: "@builtin(subgroup_size) subgroup_size: u32",
  subgroup_lane: "@builtin(subgroup_invocation_id) subgroup_lane: u32",
} as const;

export type Builtin = keyof typeof builtins;
