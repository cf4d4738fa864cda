import type { TargetOptions } from "./target.ts";

/** What may be asked of how shaders are written, and what each does. */
export const wgslSwitches = {
  f16: "floats take 16 bits on the device and are computed with in 32 (shader-f16)",
  f16Arithmetic: "products and plain steps are computed in 16 bits as well, sums in 32 (shader-f16)",
  subgroups: "rows are summed within subgroups first",
} as const;

export type WgslSwitches = { readonly [name in keyof typeof wgslSwitches]?: true };

export const wgslOptionsOf = ({ f16, f16Arithmetic, subgroups }: WgslSwitches): TargetOptions => ({
  f16: f16Arithmetic === true ? "arithmetic" : f16 === true,
  subgroups: subgroups === true,
});
