/**
 * `lmg/ir`: graphs and plans by themselves: made, printed, read, verified, interpreted, rewritten and planned; and what a pass, a
 * lint or a target of one's own is made with, for `compile(source, { passes, lints, target })`.
 */
export { parse, type Parsed } from "../language/parse.ts";
export { lower, type Lowered, type LoweredModel, type LowerOptions } from "../lower/lower.ts";

export type { Dtype } from "../tensor/dtype.ts";
export { constantDim, dim, evaluateDim, sameDim, showDim, symbolDim, type Dim } from "../tensor/dim.ts";
export { sameType, showType, tensorType, type Shape, type TensorType } from "../tensor/type.ts";
export { hostTensor, type HostTensor } from "../tensor/host.ts";

export { hasTrait, opNames, ops, type OpName } from "../ops/table.ts";
export type { ScalarName } from "../ops/scalar.ts";
export {
  noOrigin,
  type Edge,
  type EdgePart,
  type EdgeRole,
  type Graph,
  type Initializer,
  type Input,
  type Iteration,
  type Node,
  type NodeOf,
  type Origin,
  type Output,
  type Parameter,
  type PartialGraph,
  type State,
  type Value,
} from "../ir/graph.ts";
export { makeNode, makeValue, onlyResult, operandValues, withOperands } from "../ir/node.ts";
export { printGraph, sameGraph } from "../ir/print.ts";
export { readGraph, type ReadResult } from "../ir/read.ts";
export { verifyGraph, type VerifyOptions } from "../ir/verify.ts";
export { interpret, interpretRun, type Bindings, type Observe, type RunResults } from "../ir/interpret.ts";
export { EvaluationError } from "../ops/evaluate/error.ts";
export { initialParameters, randomInputs, randomParameters } from "../ir/initialize.ts";
export { producersOf, replaceValues, resultValues, sortNodes, usersOf, type Producer } from "../ir/walk.ts";
export { outlineOf, type IterationSection, type Repeat, type Section } from "../ir/outline.ts";
export { statsOf, type Stats } from "../ir/stats.ts";
export { statesOf, verifyProgram, type Program } from "../ir/program.ts";

export { passes, runPasses, type PassOptions } from "../passes/pipeline.ts";
export type { Pass, PassContext, Remark, Report } from "../passes/pass.ts";
export { isScalarNode, loadTimeValues, numberOf, type ScalarNode } from "../passes/facts.ts";
export { makeInPlace, mergeOrigins, removeDeadNodes } from "../passes/nodes.ts";
export { Uses } from "../passes/uses.ts";
export { checkPasses, showDifference, type CheckOptions, type PassDifference } from "../passes/check.ts";
export type { KernelCall, KernelCallOf, KernelOp } from "../kernels/contracts.ts";
export { portableTarget, type ChosenKernel, type Limits, type Target } from "../kernels/target.ts";
export type { OperandForm, Panels } from "../kernels/panels.ts";

export type { Finding, Linted, OwnLint as Lint } from "../lower/lints/lint.ts";
export { hasNorm, joinsOf, stacksOf, type Join, type Stack } from "../lower/lints/stack.ts";
export { errorAt, warningAt, type Diagnostic, type DiagnosticOptions } from "../support/diagnostic.ts";

export { differentiate, type Differentiation } from "../autodiff/differentiate.ts";
export { probeEdges, type EdgeProbe } from "../autodiff/probe.ts";

export { planGraph, planProgram, type PlanOptions } from "../plan/build.ts";
export type { Plan, ProgramPlan, Step } from "../plan/plan.ts";
export { verifyPlan } from "../plan/verify.ts";
export { planStats, type PlanStats, type Sizes } from "../plan/stats.ts";
export { describePlan, printPlan, type PlanDescription } from "../plan/describe.ts";
