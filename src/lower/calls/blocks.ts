import type { Definition, InputStatement } from "../../language/ast.ts";
import type { Span } from "../../support/source.ts";
import type { Flow, Frame } from "../frame/context.ts";
import * as errors from "../errors/arguments.ts";
import * as bindingErrors from "../errors/bindings.ts";
import { LabelScope } from "../names/labels.ts";
import { tensor, type Callee, type GivenArgument, type Instance, type Meaning } from "../values/meaning.ts";
import type { Module } from "../names/module.ts";
import { tellSkipped } from "../names/references.ts";
import { Scope } from "../names/scope.ts";
import { signatureOf } from "./signature.ts";
import { readStream, warnOfDeadEnd } from "../statements/stream.ts";

/** Calls that lead from block to block; deeper than any model is written. */
const MAX_CALLS = 100;

/** Lowers a block (or a model used as one) at the place of a call; its result is what it puts out. */
export function applyBlock(
  callee: Callee & { kind: "block" },
  owner: Instance,
  unlabelled: boolean,
  span: Span,
  flow: Flow,
  frame: Frame,
): Meaning | undefined {
  const { definition } = callee;
  const { diagnostics, walk } = frame.context;
  if (frame.stack.includes(definition)) {
    diagnostics.add(errors.recursion(span, frame.stack, definition), frame.calls);
    return undefined;
  }
  if (frame.stack.length >= MAX_CALLS) {
    diagnostics.add(errors.callsTooDeep(span, MAX_CALLS), frame.calls);
    return undefined;
  }
  frame.context.budget.spend("calls", 1, span, frame);
  const operands = gatherOperands(definition, flow, span, frame);
  if (operands === undefined) return undefined;
  const inner = openFrame(frame, callee, owner.label, unlabelled, span, operands);
  bindParameters(inner, owner.layer.given);
  walk.body(definition.body, inner);
  tellUnneededDefaults(inner);
  warnOfDeadEnd(inner);
  return resultOf(inner, span);
}

/** One meaning an input, those left off undefined; undefined if their number is wrong. */
function gatherOperands(
  definition: Definition,
  flow: Flow,
  span: Span,
  frame: Frame,
): (Meaning | undefined)[] | undefined {
  const inputs = definition.body.statements.filter((statement) => statement.kind === "input");
  if (flow === "stream") return [];
  if (flow === undefined) return undefined;
  const items = flow.kind === "tuple" ? flow.items : [flow];
  const needed = inputs.findLastIndex((input) => input.default === undefined) + 1;
  if (items.length > inputs.length || items.length < needed) {
    const names = inputs.map((input: InputStatement) => input.name.text);
    frame.context.diagnostics.add(
      errors.inputCount(span, definition, names, needed, items.length),
      frame.calls,
    );
    return undefined;
  }
  return inputs.map((_, index) => items[index]);
}

function openFrame(
  frame: Frame,
  { definition, module }: { readonly definition: Definition; readonly module: Module },
  label: string,
  unlabelled: boolean,
  span: Span,
  operands: (Meaning | undefined)[],
): Frame {
  const calls = [span, ...frame.calls];
  frame.context.lowered.add(definition);
  const labels = new LabelScope(label, unlabelled);
  frame.labels.addBlock(labels);
  return {
    context: frame.context,
    module,
    definition,
    scope: new Scope(
      (name, place) => frame.context.diagnostics.add(bindingErrors.defaultsInCircle(place, name), calls),
      frame.context.observe,
    ),
    calls,
    stack: [...frame.stack, definition],
    outputs: [],
    labels,
    stream: { kind: "unset" },
    inputs: new Map(),
    stopped: false,
    operands,
    applied: [],
  };
}

/** The parameters: what was given, else what a `default` line says, else the default, worked out where it is needed. */
export function bindParameters(frame: Frame, given: ReadonlyMap<string, GivenArgument>): void {
  const { definition, module, context, scope } = frame;
  const defaults = context.defaults.get(definition.name.text);
  const signature = signatureOf({ kind: "block", definition, module }, context.library, context.signatures);
  for (const parameter of definition.parameters) {
    const name = parameter.name.text;
    const argument = given.get(name) ?? defaults?.get(name);
    if (argument !== undefined) scope.bind(name, argument.meaning, parameter.name.span);
    else if (parameter.default !== undefined) {
      const fallback = parameter.default;
      const { kind } = signature.get(name)!;
      scope.bindLazily(parameter, () =>
        context.walk.evaluateAs(fallback, kind, frame, `the default of \`${name}\``),
      );
    }
  }
}

/** Defaults in whose place something was given, and those that nothing read. */
export function tellUnneededDefaults(frame: Frame): void {
  for (const parameter of frame.definition.parameters)
    if (parameter.default !== undefined && !frame.scope.tookDefault(parameter.name.text))
      tellSkipped(parameter.default, frame);
}

function resultOf(frame: Frame, span: Span): Meaning | undefined {
  const { outputs } = frame;
  if (frame.stopped) return undefined;
  if (outputs.length === 0) {
    const value = readStream(frame, span);
    return value === undefined ? undefined : tensor(value);
  }
  const items = outputs.map(({ value }) => (value === undefined ? undefined : tensor(value)));
  if (!items.every((item) => item !== undefined)) return undefined;
  return items.length === 1 ? items[0] : { kind: "tuple", items };
}
