import { append } from "../../support/lists.ts";
import type { SymbolDeclaration } from "../../ir/graph.ts";
import {
  planOfPart,
  type Buffer,
  type Home,
  type PlanPart,
  type ProgramPlan,
  type Step,
} from "../../plan/plan.ts";
import { isEmpty } from "../../kernels/view.ts";
import { layoutOf, type Layout } from "../../plan/layout.ts";
import { constantDim, type Dim } from "../../tensor/dim.ts";
import { stepComment } from "../module/comments.ts";
import { symbolsOfParts } from "../module/surface.ts";
import { literal, Names } from "../module/text.ts";
import { dimField } from "./dims.ts";
import { entryPoint, SCRATCH, type Binding, type Context, type Dispatch, type Kernel } from "./kernel.ts";
import type { WgslTarget } from "./target.ts";
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
export interface DispatchStep {
  readonly steps: readonly [Step, ...Step[]];
  readonly stage: number;
  /** Of these the first that is meant for a run's sizes is run. */
  readonly dispatches: readonly NamedDispatch[];
}

/** A part of a program in terms of this target. */
export interface DispatchPart {
  readonly plan: PlanPart;
  readonly steps: readonly DispatchStep[];
}

/** A plan in terms of this target, before it is written down: what emission and the fit check both read. */
export interface Dispatches {
  readonly program: ProgramPlan;
  readonly buffers: readonly Buffer[];
  readonly layout: Layout;
  readonly target: WgslTarget;
  readonly kernels: readonly NamedKernel[];
  readonly prepare: readonly DispatchStep[];
  readonly parts: readonly DispatchPart[];
}

/** All steps, those that prepare weights first. */
export const allSteps = ({ prepare, parts }: Dispatches): readonly DispatchStep[] => [
  ...prepare,
  ...parts.flatMap(({ steps }) => steps),
];

/** Buffers of one state, before and after its step, are the same memory. */
export const stateMemory = (name: string): string => `state ${plainName(name)}`;

/** What the memory that steps share is called in the emitted module. */
export const SCRATCH_MEMORY = "scratch memory";

/**
 * What the memory of a buffer is called in the emitted module: its slot, its state, or its own unique name. The module's
 * own names hold a space, those of the model none, or they stand in quotes.
 */
export function memoryName({ home, name }: Buffer): string {
  if (home.kind === "slot") return `slot ${home.slot}`;
  return home.kind === "state" ? stateMemory(home.state) : plainName(name);
}

const plainName = (name: string): string => (/^[\w.]+$/.test(name) ? name : literal(name));

/** The most elements of a vector that is copied beside others; a row of a model is hardly longer. */
const MAX_VECTOR = 2 ** 16;

/** Homes whose content stays while a run reads it; state is read before the step that makes the next. */
const isFixed = ({ kind }: Home): boolean =>
  kind === "parameter" || kind === "constant" || kind === "prepared" || kind === "state";

function vectorLength(
  buffers: readonly Buffer[],
  given: ReadonlySet<number>,
  buffer: number,
): number | undefined {
  const { home, elements } = buffers[buffer]!;
  const length = constantDim(elements);
  const isThere = isFixed(home) && (home.kind !== "state" || given.has(buffer));
  return isThere && length !== undefined && length <= MAX_VECTOR ? length : undefined;
}

/** What a binding's memory is called: of a pack, all its vectors. */
export const bindingName = (buffers: readonly Buffer[], { buffer, pack }: Binding): string =>
  buffer === SCRATCH
    ? SCRATCH_MEMORY
    : pack === undefined
      ? memoryName(buffers[buffer]!)
      : pack.map((each) => memoryName(buffers[each]!)).join(" + ");

/** The sizes of the scratch memory that dispatches ask for, each once; it is as large as the largest. */
export const scratchSizes = (steps: readonly DispatchStep[]): Dim[] => {
  const sizes = new Map<string, Dim>();
  for (const { dispatches } of steps)
    for (const { scratch } of dispatches) if (scratch !== undefined) sizes.set(scratch.key, scratch);
  return [...sizes.values()];
};

/** Chooses kernels for all steps; kernels with the same text are one, in whichever part. Linear in the plan. */
export function makeDispatches(program: ProgramPlan, target: WgslTarget): Dispatches {
  const { buffers, prepare, parameters, state } = program.shared;
  const given = new Set([...parameters, ...state].flatMap(({ buffer }) => buffer ?? []));
  const layout = layoutOf(program.shared, target);
  const context: Context = {
    target,
    isHalf: (buffer) => layout.storage(buffer) === "f16",
    memoryOf: (buffer) => memoryName(buffers[buffer]!),
    vectorLength: (buffer) => vectorLength(buffers, given, buffer),
    splitOf: (step) => target.splitOf(step, layout.elementBytes),
  };
  const table = new KernelTable();
  const named = (stage: Stage): DispatchStep[] => table.steps(stage, context);
  const prepared = prepare.flatMap(named);
  const parts = program.parts.map((part): DispatchPart => {
    const stages = shareLoops(planOfPart(program, part), {
      target,
      accepts: (loop) => isOneDispatch(loop, context),
    });
    return { plan: part, steps: stages.flatMap(named) };
  });
  const symbols = symbolsOfParts(program);
  const kernels = table.kernels().map((found) => ({ ...found, text: shaderText(symbols, found) }));
  return { program, buffers, layout, target, kernels, prepare: prepared, parts };
}

/** The kernels of a module, each once. */
class KernelTable {
  readonly #names = new Names();
  readonly #byText = new Map<string, { name: string; kernel: Kernel; steps: Step[] }>();

  kernels(): readonly Omit<NamedKernel, "text">[] {
    return [...this.#byText.values()];
  }

  /** The stages of a step, or of several that are one loop, their kernels named. */
  steps(run: Stage, context: Context): DispatchStep[] {
    const steps = ("steps" in run ? run.steps : [run]) as readonly [Step, ...Step[]];
    if (steps.every(({ results }) => results.every(({ type }) => isEmpty(type)))) return [];
    const stages: { steps: typeof steps; stage: number; dispatches: NamedDispatch[] }[] = [];
    for (const dispatch of "steps" in run ? loopDispatches(run, context) : dispatchesOf(run, context)) {
      const stage = dispatch.stage ?? 0;
      stages[stage] ??= { steps, stage, dispatches: [] };
      stages[stage].dispatches.push({ ...dispatch, kernelName: this.#nameOf(steps, dispatch) });
    }
    return stages;
  }

  #nameOf(steps: readonly Step[], { kernel }: Dispatch): string {
    const key = [kernel.name, ...kernel.enables, kernel.text].join("\n");
    let known = this.#byText.get(key);
    if (known === undefined)
      this.#byText.set(key, (known = { name: this.#names.give(kernel.name), kernel, steps: [] }));
    append(known.steps, steps);
    return known.name;
  }
}

/** The shader with its comment: what it computes, and the first step that runs it. */
function shaderText(
  symbols: readonly SymbolDeclaration[],
  { name, kernel, steps }: Omit<NamedKernel, "text">,
): string {
  const others = new Set(steps).size - 1;
  const more = others === 0 ? "" : ` and ${others} more`;
  const comment = [
    ...kernel.doc.map((line, index) => `// ${index === 0 ? `${name}: ` : ""}${line}`),
    `// For ${stepComment(steps[0]!).slice(3)}${more}.`,
  ];
  const fields = symbols.map((symbol) => `${dimField(symbol.name)}: u32`).join(", ");
  const dims = kernel.readsDims ? [`struct Dims { ${fields} }`, ""] : [];
  const text = kernel.text.replaceAll(entryPoint, name);
  return [...comment, ...kernel.enables, "", ...dims, text].join("\n");
}
