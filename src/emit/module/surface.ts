import { fixedSymbols, type PlanPart, type ProgramPlan } from "../../plan/plan.ts";
import type { SymbolDeclaration } from "../../ir/graph.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { identifier, Names } from "./text.ts";

/** What a module calls a part: its function, and the types of what that takes and gives. */
export interface PartNames {
  /** As callers know the function. */
  readonly run: string;
  readonly inputs: string;
  readonly outputs: string;
  /** The run-time dims that no input says. */
  readonly dims: string;
}

/** A model that is one graph has `run`, `Inputs` and `Outputs`; each part of a program has types of its own. */
export function partNames({ parts }: ProgramPlan, { name }: PlanPart): PartNames {
  const run = identifier(name);
  const prefix = parts.length === 1 ? "" : run[0]!.toUpperCase() + run.slice(1);
  return { run, inputs: `${prefix}Inputs`, outputs: `${prefix}Outputs`, dims: `${prefix || "Run"}Dims` };
}

/** What `createModel` calls the function of a part, whose name for callers may be one of the module's own; `taken` are what else it declares. */
export function functionName({ parts }: ProgramPlan, { name }: PlanPart, taken: readonly string[]): string {
  if (parts.length === 1) return "run";
  const run = identifier(name);
  return new Names(taken).give(`run${run[0]!.toUpperCase()}${run.slice(1)}`);
}

/** The run-time dims of all parts, each once. */
export const symbolsOfParts = ({ parts }: ProgramPlan): readonly SymbolDeclaration[] => [
  ...new Map(parts.flatMap(({ symbols }) => symbols).map((symbol) => [symbol.name, symbol])).values(),
];

/** The run-time dims that the memory of states fixes: `createModel` is told them. */
export const fixedDims = (program: ProgramPlan): readonly SymbolDeclaration[] =>
  fixedSymbols({ state: program.shared.state, symbols: symbolsOfParts(program) });

/** The run-time dims that a run is told beside its inputs. */
export function saidDims(program: ProgramPlan, { symbols }: PlanPart): readonly SymbolDeclaration[] {
  const fixed = new Set(fixedDims(program).map(({ name }) => name));
  return symbols.filter(({ name, given }) => given === true && !fixed.has(name));
}

/** The parameters of a part's function. */
export const runParameters = (program: ProgramPlan, part: PlanPart): string => {
  const names = partNames(program, part);
  const dims = saidDims(program, part).length === 0 ? "" : `, dims«: ${names.dims}»`;
  return `inputs«: ${names.inputs}»${dims}`;
};

/** Whether runs of a part change the state. */
export const changesState = ({ shared }: ProgramPlan, { steps }: PlanPart): boolean =>
  steps.some(({ results }) => results.some(({ buffer }) => shared.buffers[buffer]!.home.kind === "state"));

/** The type of a tensor of the state, as callers read it. */
export const stateType = ({ shared }: ProgramPlan): string =>
  shared.state.every(({ type }) => isFloat(type.dtype)) ? "FloatTensor" : "FloatTensor | IntTensor";

/** The functions of a model as its object has them: `run`, or of several parts `update: runUpdate`. */
export const functionEntries = (program: ProgramPlan, taken: readonly string[]): readonly string[] =>
  program.parts.map((part) => {
    const { run } = partNames(program, part);
    const inside = functionName(program, part, taken);
    return run === inside ? run : `${run}: ${inside}`;
  });
