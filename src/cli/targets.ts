import type { WgslOptions } from "../emit/wgsl/emit.ts";
import type { OptionSpec } from "./command.ts";

/** How shaders are written: options of every command that emits or runs WGSL. */
export interface WgslChoices {
  readonly f16?: true;
  readonly subgroups?: true;
}

export const wgslOptionSpecs: readonly OptionSpec[] = [
  { flags: "--f16", description: "wgsl: floats take 16 bits on the device, sums stay in 32 (shader-f16)" },
  { flags: "--subgroups", description: "wgsl: rows are summed within subgroups first" },
];

export const wgslOptionsOf = ({ f16, subgroups }: WgslChoices): WgslOptions => ({
  f16: f16 === true,
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
