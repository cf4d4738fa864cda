import type { EmittedTensors } from "../../emit/emitted.ts";
import type { TargetName } from "../../emit/targets.ts";
import type { Decoding } from "../../incremental/program.ts";
import type { Target } from "../../kernels/target.ts";
import type { OpenParts } from "./model.ts";

/** What a decoding program is opened with. */
export interface PartsOptions {
  /** Whose kernels it is planned for. */
  readonly target: Target;
  readonly threads: number | undefined;
}

type OpenDecoding = (
  decoding: Decoding,
  weights: EmittedTensors,
  options: PartsOptions,
) => Promise<OpenParts>;

/** What runs the parts of a decoding program; a target without a row runs whole texts. */
export const decodingTargets: Readonly<Partial<Record<TargetName, OpenDecoding>>> = {
  wasm: async (decoding, weights, { target, threads }) =>
    (await import("./webassembly.ts")).webassemblyParts(decoding, weights, target, threads),
  ts: async (decoding, weights) => (await import("./typescript.ts")).typescriptParts(decoding, weights),
};
