import type { Kind, Signature, SignatureParameter } from "../values/kinds.ts";
import type { Argument, Call, Expression } from "../../language/ast/expressions.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/arguments.ts";
import { bareName } from "../values/expressions.ts";
import { nameOf, type GivenArgument, type LayerValue } from "../values/meaning.ts";
import { tellReference } from "../names/references.ts";
import { signatureOf } from "./signature.ts";
import { spanText } from "../../support/source.ts";

/**
 * A layer called with (more) arguments. Parameters without a default are positional, in order; the others are named, or
 * a bare variable of the same name. Undefined if an argument is wrong, which has been reported.
 */
export function callLayer(layer: LayerValue, call: Call, frame: Frame): LayerValue | undefined {
  const signature = signatureOf(layer.callee, frame.context.library, frame.context.signatures);
  frame.context.observe?.(call.span, { kind: "call", callee: nameOf(layer), signature });
  const given = bindArguments(call.arguments ?? [], signature, nameOf(layer), frame);
  if (given === undefined) return undefined;
  const called = { callee: layer.callee, given: new Map([...layer.given, ...given]), span: call.span };
  return frame.context.budget.hold({ kind: "layer", layer: called }, call.span, frame).layer;
}

/** The arguments by the names of their parameters. */
export function bindArguments(
  given: readonly Argument[],
  signature: Signature,
  callee: string,
  frame: Frame,
): Map<string, GivenArgument> | undefined {
  const bound = new Map<string, GivenArgument>();
  const seen = new Map<string, Argument>();
  const tensors = given.filter((argument) => isTensorName(argument, frame));
  if (tensors.length > 0)
    frame.context.diagnostics.add(errors.tensorsInParentheses(tensors, callee), frame.calls);
  const list = tensors.length > 0 ? undefined : listMeant(given, signature);
  if (list !== undefined) {
    frame.context.diagnostics.add(errors.numbersForList(given, callee, list), frame.calls);
    return undefined;
  }
  let failed = tensors.length > 0;
  for (const argument of given) {
    if (tensors.includes(argument)) continue;
    const parameter = parameterOf(argument, signature, seen, callee, frame);
    if (parameter === undefined) {
      failed = true;
      continue;
    }
    const first = seen.get(parameter.name);
    if (first !== undefined) {
      frame.context.diagnostics.add(errors.givenTwice(argument, parameter.name, first), frame.calls);
      failed = true;
      continue;
    }
    seen.set(parameter.name, argument);
    const what = `\`${parameter.name}\` of \`${callee}\``;
    const meaning = frame.context.walk.evaluateAs(argument.value, parameter.kind, frame, what);
    if (meaning === undefined) failed = true;
    else {
      bound.set(parameter.name, { meaning, span: argument.span });
      frame.context.observe?.(argument.span, {
        kind: "argument",
        callee,
        parameter: parameter.name,
        of: parameter.kind,
        value: meaning,
      });
    }
  }
  return failed ? undefined : bound;
}

/** The only list or shape that a layer takes, if more arguments stand without a name than it has places. */
function listMeant(given: readonly Argument[], signature: Signature): SignatureParameter | undefined {
  const parameters = [...signature.values()];
  const places = parameters.filter(({ required }) => required);
  if (given.length < 2 || given.length <= places.length || given.some(({ name }) => name !== undefined))
    return undefined;
  if (given.some(({ value }) => bareName(value) !== undefined && signature.has(bareName(value)!)))
    return undefined;
  const candidates = places.length > 0 ? places : parameters.filter(({ kind }) => isListKind(kind));
  const [only] = candidates;
  return only !== undefined && candidates.length === 1 && isListKind(only.kind) ? only : undefined;
}

const isListKind = ({ name }: Kind): boolean => name === "ints" || name === "shape" || name === "list";

/** A value that flows, or a list of them, in a place for what is known before the model runs. */
function isTensorName({ name, value }: Argument, frame: Frame): boolean {
  if (name !== undefined) return false;
  if (value.kind === "list")
    return value.items.length > 0 && value.items.every((item) => namesTensor(item, frame));
  return namesTensor(value, frame);
}

function namesTensor(value: Expression, frame: Frame): boolean {
  const variable = bareName(value);
  if (variable === undefined) return false;
  return variable === "stream" || frame.scope.find(variable)?.meaning?.kind === "tensor";
}

function parameterOf(
  argument: Argument,
  signature: Signature,
  seen: ReadonlyMap<string, Argument>,
  callee: string,
  frame: Frame,
): SignatureParameter | undefined {
  const { diagnostics } = frame.context;
  if (argument.name !== undefined) {
    const named = signature.get(argument.name.text);
    if (named === undefined)
      diagnostics.add(errors.unknownArgument(argument.name, callee, [...signature.keys()]), frame.calls);
    else tellReference(argument.name, { definition: named.span }, frame);
    return named;
  }
  const required = [...signature.values()].filter((parameter) => parameter.required);
  const next = required.find((parameter) => !seen.has(parameter.name));
  const variable = bareName(argument.value);
  const sameName = variable === undefined ? undefined : signature.get(variable);
  if (sameName !== undefined && sameName !== next) {
    if (!sameName.required) return sameName;
    diagnostics.add(errors.anotherParametersName(argument, callee, sameName.name, next?.name), frame.calls);
    return undefined;
  }
  if (next === undefined)
    diagnostics.add(errors.tooManyArguments(argument, callee, [...signature.values()]), frame.calls);
  return next;
}

/** Reports the required parameters that a layer still lacks, and no `default` line gives; false if it lacks none. */
export function reportMissing(layer: LayerValue, call: Call, frame: Frame): boolean {
  const { defaults, library, signatures, diagnostics } = frame.context;
  const byDefault = defaults.get(nameOf(layer));
  const required = [...signatureOf(layer.callee, library, signatures).values()]
    .filter((parameter) => parameter.required)
    .map(({ name }) => name);
  const lacking = required.filter((name) => !layer.given.has(name) && byDefault?.has(name) !== true);
  if (lacking.length === 0) return false;
  const completed = completedArguments(required, new Set(lacking), layer, call);
  diagnostics.add(errors.argumentsMissing(call, nameOf(layer), lacking, completed), frame.calls);
  return true;
}

/** The arguments of a call with the names of those that it lacks, each in its place. */
function completedArguments(
  required: readonly string[],
  lacking: ReadonlySet<string>,
  { given }: LayerValue,
  call: Call,
): readonly string[] {
  const written = new Map((call.arguments ?? []).map(({ span }) => [span, spanText(span)]));
  const completed: string[] = [];
  // What was given before, or by a `default` line, takes its place, so that those behind it need their names.
  let inOrder = true;
  for (const name of required) {
    const span = given.get(name)?.span;
    const text = span && written.get(span);
    if (text !== undefined) {
      completed.push(text);
      written.delete(span!);
    } else if (lacking.has(name)) completed.push(inOrder ? name : `${name}: ${name}`);
    else inOrder = false;
  }
  return [...completed, ...written.values()];
}
