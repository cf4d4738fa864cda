import type { Target } from "../kernels/target.ts";
import { programOf, type Plan, type ProgramPlan } from "../plan/plan.ts";
import type { Sizes } from "../plan/stats.ts";
import { PART } from "../weights/stream.ts";
import type { EmittedFile } from "./module/file.ts";
import { wasmTarget } from "./wasm/target.ts";
import { tsTarget } from "./ts/target.ts";
import type { DispatchReport } from "./wgsl/fit.ts";
import { wgslOptionsOf, wgslSwitches, type WgslSwitches } from "./wgsl/switches.ts";
import { targetOf } from "./wgsl/target.ts";

/** What may be asked of how a target writes; a target's row says which of them it takes. */
export type Switches = WgslSwitches;

export interface EmitOptions {
  /** False writes JavaScript: the same text without its types. Default: true. */
  readonly types?: boolean;
  readonly switches?: Switches;
  /** Lines for the comment at the top. */
  readonly notes?: readonly string[];
}

/** Writes a plan, or a program of several, as one module. */
export type Emit = (plan: Plan | ProgramPlan, options?: EmitOptions) => readonly EmittedFile[];

/** The dispatches that a run of these sizes makes. */
export type ListDispatches = (plan: Plan, sizes: Sizes, switches?: Switches) => DispatchReport;

/** All that the rest of lmg knows of a target, but for what runs it: that is its row in `run/engines.ts`. */
export interface TargetRow {
  /** Where its modules run, to stand after `a module`. */
  readonly where: string;
  /** The names of its two forms: with types, and as plain JavaScript. Targets of one form differ by their kernels. */
  readonly forms: { readonly typed: string; readonly plain: string };
  /** What it writes, in a word. */
  readonly writes: string;
  /** Its switches, and what each does. */
  readonly switches: Readonly<Partial<Record<keyof Switches, string>>>;
  /** Its modules answer at once: they take weights that are there, where others read them as they are wanted. */
  readonly takesWhole?: true;
  /** Bytes that the loading of weights takes beside what lasts; all of them once more, if it is left off. */
  readonly stagedBytes?: () => Promise<(plan: Plan) => number>;
  /** What passes, plans and listings know of it. */
  readonly target: (switches: Switches) => Target;
  /** What writes it, which is loaded when it is asked for. */
  readonly load: () => Promise<Emit>;
  /** The same for a listing of dispatches, if it makes any. */
  readonly loadDispatches?: () => Promise<ListDispatches>;
  /** The largest difference that counts as rounding, relative to the largest element of the same result. */
  readonly tolerance: (switches: Switches) => number;
}

/** Parts of weights that are there while one is brought to its place: as a file has it, decoded, and as codes. */
const HELD_PARTS = 3;

/**
 * Float32 rounds to 6e-8, and a deep model adds up a hundred such errors and magnifies them in norms; half precision rounds
 * to 5e-4.
 */
const ROUNDING = { f32: 1e-4, f16: 5e-2 };

const rows = {
  wasm: {
    where: "for the CPU",
    forms: { typed: "ts", plain: "js" },
    writes: "kernels in WebAssembly",
    switches: {},
    target: () => wasmTarget,
    stagedBytes: async () => {
      const { stagedBytes } = await import("./wasm/weights.ts");
      return (plan) => stagedBytes(programOf(plan)) + HELD_PARTS * 4 * PART;
    },
    load: async () => {
      const { emitWasm } = await import("./wasm/emit.ts");
      return (plan, { types = true, notes = [] } = {}) => emitWasm(plan, { types, notes }).files;
    },
    tolerance: () => ROUNDING.f32,
  },
  ts: {
    where: "for the CPU without WebAssembly",
    forms: { typed: "ts", plain: "js" },
    writes: "JavaScript",
    switches: {},
    takesWhole: true,
    target: () => tsTarget,
    load: async () => {
      const { emitTypeScript } = await import("./ts/emit.ts");
      return (plan, { types = true, notes = [] } = {}) => emitTypeScript(plan, { types, notes }).files;
    },
    tolerance: () => ROUNDING.f32,
  },
  wgsl: {
    where: "for WebGPU with its shaders",
    forms: { typed: "wgsl", plain: "wgsl-js" },
    writes: "shaders",
    switches: wgslSwitches,
    target: (switches) => targetOf(wgslOptionsOf(switches)),
    load: async () => {
      const { emitWgsl } = await import("./wgsl/emit.ts");
      return (plan, { types = true, switches = {}, notes = [] } = {}) =>
        emitWgsl(plan, { ...wgslOptionsOf(switches), types, notes }).files;
    },
    loadDispatches: async () => {
      const { dispatchReport } = await import("./wgsl/fit.ts");
      return (plan, sizes, switches = {}) => dispatchReport(plan, sizes, wgslOptionsOf(switches));
    },
    tolerance: ({ f16, f16Arithmetic }) =>
      f16 === true || f16Arithmetic === true ? ROUNDING.f16 : ROUNDING.f32,
  },
} as const satisfies Readonly<Record<string, TargetRow>>;

/** Each back end that a plan can be emitted for. */
export type TargetName = keyof typeof rows;

export const targets: Readonly<Record<TargetName, TargetRow>> = rows;

export const targetNames = Object.keys(targets) as readonly TargetName[];
