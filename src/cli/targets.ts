import type { WgslOptions } from "../emit/wgsl/emit.ts";
import type { OptionSpec } from "./command.ts";

/** How shaders are written: options of every command that emits or runs WGSL. */
export interface WgslChoices {
  readonly f16?: true;
  readonly f16Arithmetic?: true;
  readonly subgroups?: true;
}

export const wgslOptionSpecs: readonly OptionSpec[] = [
  {
    flags: "--f16",
    description: "wgsl: floats take 16 bits on the device and are computed with in 32 (shader-f16)",
  },
  {
    flags: "--f16-arithmetic",
    description: "wgsl: products and plain steps are computed in 16 bits as well, sums in 32 (shader-f16)",
  },
  { flags: "--subgroups", description: "wgsl: rows are summed within subgroups first" },
];

export const wgslOptionsOf = ({ f16, f16Arithmetic, subgroups }: WgslChoices): WgslOptions => ({
  f16: f16Arithmetic === true ? "arithmetic" : f16 === true,
  subgroups: subgroups === true,
});

/** Which adapter of this machine runs shaders. */
export interface DawnOptions {
  readonly dawn?: readonly string[];
}

export const dawnOption: OptionSpec = {
  flags: "--dawn <key=value>",
  description: "wgsl: an option of the package webgpu, such as backend=vulkan or adapter=NAME",
  repeated: true,
};
