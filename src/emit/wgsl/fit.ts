import { largest } from "../../support/lists.ts";
import { programOf, type Plan } from "../../plan/plan.ts";
import { bytesOf as bytesOfElements } from "../../kernels/storage.ts";
import type { Layout } from "../../plan/layout.ts";
import { largestOf, stepStats, type Sizes, type StepStats } from "../../plan/stats.ts";
import { distinctElements, type View } from "../../kernels/view.ts";
import { evaluateDim } from "../../tensor/dim.ts";
import { stepPlace } from "../module/comments.ts";
import { SCRATCH, type Dispatch, type Groups, type When } from "./kernel.ts";
import { targetOf, type TargetOptions } from "./target.ts";
import {
  allSteps,
  bindingName,
  makeDispatches,
  memoryName,
  scratchSizes,
  type NamedDispatch,
  type Dispatches,
  type DispatchStep,
} from "./dispatches.ts";

/** The limits of a device that a plan can break, by their names in WebGPU. */
export interface DeviceLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
}

/** What every WebGPU device allows (the specification's defaults); sizes in bytes. */
export const defaultLimits: DeviceLimits = {
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16 * 2 ** 10,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupsPerDimension: 65535,
};

/** Why a plan does not run on a device: one step and what it needs. */
export interface FitProblem {
  /** The layer and its line: `h.0.attn (gpt2.lmg:24)`. */
  readonly place: string;
  readonly limit: keyof DeviceLimits;
  readonly needs: number;
  readonly allows: number;
  /** A sentence for a person. */
  readonly message: string;
}

export interface FitOptions extends TargetOptions {
  readonly limits?: DeviceLimits;
}

/** Every limit that a run of these sizes would break, in the order of the steps; asks no device. */
export function checkFit(plan: Plan, sizes: Sizes, options: FitOptions = {}): FitProblem[] {
  const planned = plannedFor(plan, options);
  const limits = options.limits ?? defaultLimits;
  return allSteps(planned.all).flatMap((step) => {
    const place = stepPlace(step.steps[0]);
    return chosen(step.dispatches, sizes).flatMap((dispatch) =>
      needsOf(planned, dispatch, sizes, limits).flatMap(({ limit, needs, what }) => {
        const allows = limits[limit];
        const message = `${place} needs ${what}; ${limit} is ${allows.toLocaleString("en-US")}`;
        return needs <= allows ? [] : [{ place, limit, needs, allows, message }];
      }),
    );
  });
}

/** The dispatch of a step that runs for these sizes, if one does. */
const chosen = (dispatches: readonly NamedDispatch[], sizes: Sizes): NamedDispatch[] =>
  dispatches
    .filter(({ when }) => when === undefined || isMeant(when, evaluateDim(when.size, sizes)))
    .slice(0, 1);

const isMeant = ({ atMost = Infinity, above = -Infinity }: When, size: number): boolean =>
  size <= atMost && size > above;

/** A plan, and what this target makes of it. */
interface Planned {
  readonly plan: Plan;
  readonly all: Dispatches;
  /** The sizes of each slot, made once: every binding asks for one. */
  readonly slots: ReturnType<Layout["slots"]>;
}

function plannedFor(plan: Plan, options: FitOptions): Planned {
  const all = makeDispatches(programOf(plan), targetOf(options));
  return { plan, all, slots: all.layout.slots(plan) };
}

interface Need {
  readonly limit: keyof DeviceLimits;
  readonly needs: number;
  readonly what: string;
}

const count = (size: number): string => size.toLocaleString("en-US");

function needsOf(program: Planned, dispatch: NamedDispatch, sizes: Sizes, limits: DeviceLimits): Need[] {
  const { kernel, kernelName, bindings, groups } = dispatch;
  const workgroups = groupsOf(groups, sizes);
  const most = largest(workgroups);
  return [
    {
      limit: "maxComputeInvocationsPerWorkgroup",
      needs: kernel.workgroupSize,
      what: `${kernel.workgroupSize} invocations a workgroup (${kernelName})`,
    },
    {
      limit: "maxComputeWorkgroupStorageSize",
      needs: kernel.workgroupBytes,
      what: `${count(kernel.workgroupBytes)} bytes of workgroup memory (${kernelName})`,
    },
    {
      limit: "maxStorageBuffersPerShaderStage",
      needs: bindings.length,
      what: `${bindings.length} storage buffers (${kernelName})`,
    },
    {
      limit: "maxComputeWorkgroupsPerDimension",
      needs: most,
      what: `${workgroups.map(count).join(" × ")} workgroups`,
    },
    ...bindings.flatMap((_, index) => memoryNeeds(program, dispatch, index, sizes, limits)),
  ];
}

/** A buffer must exist, and be bound: whole, or part by part if the kernel can. */
function memoryNeeds(
  planned: Planned,
  { bindings, parts, scratch }: Dispatch,
  index: number,
  sizes: Sizes,
  limits: DeviceLimits,
): Need[] {
  const { plan, all } = planned;
  const binding = bindings[index]!;
  const { buffer: bound } = binding;
  const buffers = binding.pack ?? (bound === SCRATCH ? [] : [bound]);
  const own = bound === SCRATCH ? evaluateDim(bytesOfElements("f32", scratch!), sizes) : 0;
  const bytes = buffers.reduce((sum, buffer) => sum + bytesOf(planned, buffer, sizes), own);
  const name = bindingName(plan.buffers, binding);
  // A part is a multiple of 64 rows, so that it begins at a multiple of 256 bytes.
  const partBytes =
    parts?.binding === index && bound !== SCRATCH
      ? Math.min(
          bytes,
          Math.max(
            64 * parts.rowElements * all.layout.elementBytes(bound),
            Math.min(bytes, limits.maxStorageBufferBindingSize),
          ),
        )
      : bytes;
  return [
    { limit: "maxBufferSize", needs: bytes, what: `${count(bytes)} bytes for ${name}` },
    {
      limit: "maxStorageBufferBindingSize",
      needs: partBytes,
      what: `to bind ${count(partBytes)} bytes of ${name}`,
    },
  ];
}

/** Bytes of the memory that a buffer lies in: of its slot, which may be larger than the buffer. */
function bytesOf({ plan, all, slots }: Planned, buffer: number, sizes: Sizes): number {
  const { home } = plan.buffers[buffer]!;
  return home.kind === "slot"
    ? largestOf(slots[home.slot]!, sizes)
    : evaluateDim(all.layout.bytes(buffer), sizes);
}

/** Workgroups along x, y and z, as the emitted host spreads them. */
function groupsOf(groups: Groups, sizes: Sizes): number[] {
  if (groups.kind === "grid")
    return groups.axes.map((axis) => Math.ceil(evaluateDim(axis.count, sizes) / axis.per));
  const all = Math.ceil(evaluateDim(groups.count, sizes) / groups.per);
  const columns = Math.min(all, defaultLimits.maxComputeWorkgroupsPerDimension);
  return [columns, columns === 0 ? 0 : Math.ceil(all / columns)];
}

/** What one dispatch of a run costs. */
export interface DispatchStats {
  readonly place: string;
  readonly kernel: string;
  readonly workgroups: readonly number[];
  readonly invocations: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Bytes of the scratch memory that it writes or reads. */
  readonly scratchBytes: number;
  readonly flops: number;
}

export interface DispatchReport {
  /** In the order of a run. */
  readonly dispatches: readonly DispatchStats[];
  /** Shaders that a run of these sizes uses, each once. */
  readonly kernels: number;
  /** Bytes on the device that weights and what is made of them take, and that a run takes beside them. */
  readonly residentBytes: number;
  readonly runBytes: number;
}

/** What a stage, or several steps as one, reads and writes of the plan; operations count for the first stage. */
function partStats(
  { steps, stage }: DispatchStep,
  { reads, writes }: Dispatch,
  sizes: Sizes,
  bytesIn: (buffer: number) => number,
): StepStats {
  const bytes = (views: readonly View[]): number =>
    views.reduce((sum, view) => sum + bytesIn(view.buffer) * evaluateDim(distinctElements(view), sizes), 0);
  const all = steps.reduce((sum, { flops }) => sum + evaluateDim(flops, sizes), 0);
  return { bytesRead: bytes(reads), bytesWritten: bytes(writes), flops: stage === 0 ? all : 0 };
}

/** Dispatches and bytes of a run, as `lmg plan --target wgsl` lists them. */
export function dispatchReport(plan: Plan, sizes: Sizes, options: FitOptions = {}): DispatchReport {
  const planned = plannedFor(plan, options);
  const { all } = planned;
  const steps = all.parts.flatMap((part) => part.steps);
  const staged = new Set(steps.flatMap(({ steps, stage }) => (stage > 0 ? [steps[0]] : [])));
  const scratch = scratchSizes(steps).map((size) => evaluateDim(bytesOfElements("f32", size), sizes));
  const statsOf = (step: DispatchStep, dispatch: NamedDispatch): DispatchStats => {
    const { kernel, kernelName, groups } = dispatch;
    const isWhole = step.steps.length === 1 && !staged.has(step.steps[0]);
    const { bytesRead, bytesWritten, flops } = isWhole
      ? stepStats(step.steps[0], sizes, all.layout)
      : partStats(step, dispatch, sizes, all.layout.elementBytes);
    const workgroups = groupsOf(groups, sizes);
    const invocations = workgroups.reduce((product, size) => product * size, kernel.workgroupSize);
    return {
      place: stepPlace(step.steps[0]),
      kernel: kernelName,
      workgroups,
      invocations,
      bytesRead,
      bytesWritten,
      scratchBytes:
        dispatch.scratch === undefined ? 0 : evaluateDim(bytesOfElements("f32", dispatch.scratch), sizes),
      flops,
    };
  };
  const dispatches = steps.flatMap((step) =>
    chosen(step.dispatches, sizes).map((dispatch) => statsOf(step, dispatch)),
  );
  const isRun = (kind: string): boolean => kind === "slot" || kind === "output";
  const own = new Set(plan.runBuffers);
  const total = (keep: (kind: string) => boolean): number => {
    const memory = new Map<string, number>();
    plan.buffers.forEach(({ home }, buffer) => {
      // Of a program, other parts have buffers of their own runs.
      if (keep(home.kind) && (!isRun(home.kind) || own.has(buffer)))
        memory.set(memoryName(plan.buffers[buffer]!), bytesOf(planned, buffer, sizes));
    });
    return [...memory.values()].reduce((sum, bytes) => sum + bytes, 0);
  };
  return {
    dispatches,
    kernels: new Set(dispatches.map(({ kernel }) => kernel)).size,
    residentBytes: total((kind) => !isRun(kind)),
    runBytes: total(isRun) + largest(scratch, 0),
  };
}
