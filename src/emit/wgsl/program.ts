import { append } from "../../support/lists.ts";
import type { Home, Plan, Step } from "../../plan/plan.ts";
import { isEmpty } from "../../kernels/view.ts";
import { constantDim, type Dim } from "../../tensor/dim.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { stepComment } from "../module/comments.ts";
import { literal, Names } from "../module/text.ts";
import { dimField } from "./dims.ts";
import {
  entryPoint,
  SCRATCH,
  type Binding,
  type Context,
  type Dispatch,
  type Kernel,
  type Target,
} from "./kernel.ts";
import { shareLoops, type Stage } from "../../plan/loops.ts";
import { isOneDispatch, loopDispatches } from "./kernels/loop.ts";
import { dispatchesOf } from "./kernels/table.ts";

/** A kernel with its name in the emitted module. */
export interface NamedKernel {
  readonly name: string;
  readonly kernel: Kernel;
  /** The shader, whole. */
  readonly text: string;
  /** The steps that run it, in order. */
  readonly steps: readonly Step[];
}

export interface NamedDispatch extends Dispatch {
  readonly kernelName: string;
}

/** A step or one stage of it, or several steps that are one dispatch. */
export interface ProgramStep {
  readonly steps: readonly [Step, ...Step[]];
  readonly stage: number;
  /** Of these the first that is meant for a run's sizes is run. */
  readonly dispatches: readonly NamedDispatch[];
}

/** A plan in terms of this target, before it is written down: what emission and the fit check both read. */
export interface Program {
  readonly plan: Plan;
  readonly target: Target;
  readonly kernels: readonly NamedKernel[];
  readonly prepare: readonly ProgramStep[];
  readonly steps: readonly ProgramStep[];
}

/** The largest binding that every device allows, in bytes: WebGPU's default maxStorageBufferBindingSize. */
export const DEFAULT_BINDING_BYTES = 128 * 2 ** 20;

/** What a training keeps stays in 32 bits: an update may be smaller than what half precision tells apart. */
const isHalf = ({ dtype, home }: Plan["buffers"][number], { f16 }: Target): boolean =>
  f16 !== undefined && isFloat(dtype) && home.kind !== "state";

/** Bytes of an element in memory. */
export const elementBytes = (plan: Plan, buffer: number, target: Target): number =>
  isHalf(plan.buffers[buffer]!, target) ? 2 : 4;

/** Buffers of one state, before and after its step, are the same memory. */
export const stateMemory = (name: string): string => `state ${plainName(name)}`;

/** What the memory that steps share is called in the emitted module. */
export const SCRATCH_MEMORY = "scratch memory";

/**
 * What the memory of a buffer is called in the emitted module: its slot, its state, or its own unique name. The module's
 * own names hold a space, those of the model none, or they stand in quotes.
 */
export function memoryName(plan: Plan, buffer: number): string {
  const { home, name } = plan.buffers[buffer]!;
  if (home.kind === "slot") return `slot ${home.slot}`;
  return home.kind === "state" ? stateMemory(home.state) : plainName(name);
}

const plainName = (name: string): string => (/^[\w.]+$/.test(name) ? name : literal(name));

/** The most elements of a vector that is copied beside others; a row of a model is hardly longer. */
const MAX_VECTOR = 2 ** 16;

/** Homes whose content stays while a run reads it; state is read before the step that makes the next. */
const isFixed = ({ kind }: Home): boolean =>
  kind === "parameter" || kind === "constant" || kind === "prepared" || kind === "state";

function vectorLength(plan: Plan, given: ReadonlySet<number>, buffer: number): number | undefined {
  const { home, elements } = plan.buffers[buffer]!;
  const length = constantDim(elements);
  const isThere = isFixed(home) && (home.kind !== "state" || given.has(buffer));
  return isThere && length !== undefined && length <= MAX_VECTOR ? length : undefined;
}

/** What a binding's memory is called: of a pack, all its vectors. */
export const bindingName = (plan: Plan, { buffer, pack }: Binding): string =>
  buffer === SCRATCH
    ? SCRATCH_MEMORY
    : pack === undefined
      ? memoryName(plan, buffer)
      : pack.map((each) => memoryName(plan, each)).join(" + ");

/** The sizes of the scratch memory that dispatches ask for, each once; it is as large as the largest. */
export const scratchSizes = ({ prepare, steps }: Program): Dim[] => {
  const sizes = new Map<string, Dim>();
  for (const { dispatches } of [...prepare, ...steps])
    for (const { scratch } of dispatches) if (scratch !== undefined) sizes.set(scratch.key, scratch);
  return [...sizes.values()];
};

/** Chooses kernels for all steps; kernels with the same text are one. Linear in the plan. */
export function makeProgram(plan: Plan, target: Target): Program {
  const given = new Set(plan.parameters.flatMap(({ buffer }) => buffer ?? []));
  const context: Context = {
    target,
    isHalf: (buffer) => isHalf(plan.buffers[buffer]!, target),
    memoryOf: (buffer) => memoryName(plan, buffer),
    vectorLength: (buffer) => vectorLength(plan, given, buffer),
    mustSplit: (elements) => elements * (target.f16 === undefined ? 4 : 2) > DEFAULT_BINDING_BYTES,
  };
  const names = new Names();
  const byText = new Map<string, { name: string; kernel: Kernel; steps: Step[] }>();
  const nameOf = (steps: readonly Step[], { kernel }: Dispatch): string => {
    const key = `${kernel.name}\n${kernel.text}`;
    let known = byText.get(key);
    if (known === undefined) byText.set(key, (known = { name: names.give(kernel.name), kernel, steps: [] }));
    append(known.steps, steps);
    return known.name;
  };
  const named = (run: Stage): ProgramStep[] => {
    const steps = ("steps" in run ? run.steps : [run]) as readonly [Step, ...Step[]];
    if (steps.every(({ results }) => results.every(({ type }) => isEmpty(type)))) return [];
    const stages: { steps: typeof steps; stage: number; dispatches: NamedDispatch[] }[] = [];
    for (const dispatch of "steps" in run ? loopDispatches(run, context) : dispatchesOf(run, context)) {
      const stage = dispatch.stage ?? 0;
      stages[stage] ??= { steps, stage, dispatches: [] };
      stages[stage].dispatches.push({ ...dispatch, kernelName: nameOf(steps, dispatch) });
    }
    return stages;
  };
  const runs = shareLoops(plan, (loop) => isOneDispatch(loop, plan, context));
  const [prepare, steps] = [plan.prepare.flatMap(named), runs.flatMap(named)];
  const kernels = [...byText.values()].map((found) => ({ ...found, text: shaderText(plan, found) }));
  return { plan, target, kernels, prepare, steps };
}

/** The shader with its comment: what it computes, and the first step that runs it. */
function shaderText(
  plan: Plan,
  {
    name,
    kernel,
    steps,
  }: { readonly name: string; readonly kernel: Kernel; readonly steps: readonly Step[] },
): string {
  const others = new Set(steps).size - 1;
  const more = others === 0 ? "" : ` and ${others} more`;
  const comment = [
    ...kernel.doc.map((line, index) => `// ${index === 0 ? `${name}: ` : ""}${line}`),
    `// For ${stepComment(steps[0]!).slice(3)}${more}.`,
  ];
  const fields = plan.symbols.map((symbol) => `${dimField(symbol.name)}: u32`).join(", ");
  const [enables, rest] = splitEnables(kernel.text);
  const dims = kernel.readsDims ? [`struct Dims { ${fields} }`, ""] : [];
  return [...comment, ...enables, "", ...dims, rest.replaceAll(entryPoint, name)].join("\n");
}

/** Enable directives come before everything else. */
function splitEnables(text: string): [string[], string] {
  const lines = text.split("\n");
  const count = lines.findIndex((line) => !line.startsWith("enable "));
  return [lines.slice(0, count), lines.slice(count).join("\n").trimStart()];
}
