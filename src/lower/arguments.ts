import type { Signature, SignatureParameter } from "./kinds.ts";
import type { Argument, Call } from "../language/ast.ts";
import type { Frame } from "./context.ts";
import * as errors from "./errors/arguments.ts";
import { bareName } from "./expressions.ts";
import { nameOf, type GivenArgument, type LayerValue } from "./meaning.ts";
import { signatureOf } from "./signature.ts";

/**
 * A layer called with (more) arguments. Parameters without a default are positional, in order; the others are named, or
 * a bare variable of the same name. Undefined if an argument is wrong, which has been reported.
 */
export function callLayer(layer: LayerValue, call: Call, frame: Frame): LayerValue | undefined {
  const signature = signatureOf(layer.callee, frame.context.library, frame.context.signatures);
  const given = bindArguments(call.arguments ?? [], signature, nameOf(layer), frame);
  if (given === undefined) return undefined;
  return { callee: layer.callee, given: new Map([...layer.given, ...given]), span: call.span };
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
    else bound.set(parameter.name, { meaning, span: argument.span });
  }
  return failed ? undefined : bound;
}

/** A value that flows, in a place for what is known before the model runs. */
function isTensorName({ name, value }: Argument, frame: Frame): boolean {
  const variable = name === undefined ? bareName(value) : undefined;
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

/** The required parameters that a layer still lacks. */
export function missingArguments(layer: LayerValue, frame: Frame): readonly string[] {
  return [...signatureOf(layer.callee, frame.context.library, frame.context.signatures).values()]
    .filter((parameter) => parameter.required && !layer.given.has(parameter.name))
    .map((parameter) => parameter.name);
}
