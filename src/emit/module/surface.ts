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

/** Whether a part is what its model is: the only one, or the one beside sessions. */
const isAlone = ({ parts, sessions }: ProgramPlan, name: string): boolean =>
  parts.length === 1 || (sessions !== undefined && name === "run");

/** A model that is one graph has `run`, `Inputs` and `Outputs`; each part of a program has types of its own. */
export function partNames(program: ProgramPlan, { name }: PlanPart): PartNames {
  const run = identifier(name);
  const prefix = isAlone(program, name) ? "" : run[0]!.toUpperCase() + run.slice(1);
  return { run, inputs: `${prefix}Inputs`, outputs: `${prefix}Outputs`, dims: `${prefix || "Run"}Dims` };
}

/** What `createModel` calls the function of a part, whose name for callers may be one of the module's own; `taken` are what else it declares. */
export function functionName(program: ProgramPlan, { name }: PlanPart, taken: readonly string[]): string {
  if (isAlone(program, name)) return "run";
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

/** Whether runs of a part have a state, which may be nothing: all do but `run` beside sessions. */
export const hasState = (program: ProgramPlan, { name }: PlanPart): boolean =>
  program.sessions === undefined ? program.shared.state.length > 0 : name !== "run";

/** Whether a module has what reads and writes states. */
export const readsState = ({ sessions, shared }: ProgramPlan): boolean =>
  sessions !== undefined || shared.state.length > 0;

/** The same of those that runs of a part keep to. */
export const partFixedDims = (program: ProgramPlan, part: PlanPart): readonly SymbolDeclaration[] =>
  hasState(program, part) ? fixedDims(program) : [];

/** The parts that a model has as functions of its own; the others are a session's. */
export const ownParts = (program: ProgramPlan): readonly PlanPart[] =>
  program.sessions === undefined ? program.parts : program.parts.filter((part) => !hasState(program, part));

/** Whether a model is one that keeps a state, of which it is told the sizes. */
export const keepsState = ({ sessions, shared }: ProgramPlan): boolean =>
  sessions === undefined && shared.state.length > 0;

/** The run-time dims that a run is told beside its inputs. */
export function saidDims(program: ProgramPlan, part: PlanPart): readonly SymbolDeclaration[] {
  const fixed = new Set(partFixedDims(program, part).map(({ name }) => name));
  return part.symbols.filter(({ name, given }) => given === true && !fixed.has(name));
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
  ownParts(program).map((part) => {
    const { run } = partNames(program, part);
    const inside = functionName(program, part, taken);
    return run === inside ? run : `${run}: ${inside}`;
  });
