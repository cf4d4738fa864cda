import type { WgslOptions } from "../emit/wgsl/emit.ts";
import { listWords } from "../support/text.ts";
import type { OptionSpec } from "./command.ts";
import { stop } from "./stop.ts";

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

/** Ends the command where an option for shaders is given and there are none, so that none is passed over in silence. */
export function requireShaders(
  { f16, f16Arithmetic, subgroups, dawn = [] }: WgslChoices & DawnOptions,
  hasShaders: boolean,
  remedy: string,
): void {
  if (hasShaders) return;
  const given = [
    ...(f16 === true ? ["--f16"] : []),
    ...(f16Arithmetic === true ? ["--f16-arithmetic"] : []),
    ...(subgroups === true ? ["--subgroups"] : []),
    ...(dawn.length > 0 ? ["--dawn"] : []),
  ];
  if (given.length > 0)
    stop(
      "E822",
      `${listWords(given)} ${given.length === 1 ? "is" : "are"} for shaders, and there are none here`,
      remedy,
    );
}
