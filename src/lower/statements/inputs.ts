import type { InputStatement, OutputStatement } from "../../language/ast.ts";
import { Mismatch } from "../../ops/define.ts";
import { isDtype } from "../../tensor/dtype.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/bindings.ts";
import * as shapeErrors from "../errors/shapes.ts";
import { none, tensor, type Meaning } from "../values/meaning.ts";
import { readStream, setStream } from "./stream.ts";
import { placeOf } from "../values/tensors.ts";
import { boundShape, declareType, matchType, poisonDims } from "../values/types.ts";

/** An input of the model itself, or of a block, which takes the next operand of its call. */
export function lowerInput(statement: InputStatement, frame: Frame): void {
  const { name } = statement;
  const twice = frame.inputs.get(name.text);
  if (twice !== undefined) {
    frame.context.diagnostics.add(errors.inputTwice(name, twice), frame.calls);
    return;
  }
  const meaning = frame.operands === undefined ? declareInput(statement, frame) : takeInput(statement, frame);
  const isFirst = frame.stream.kind === "unset" && frame.inputs.size === 0;
  frame.inputs.set(name.text, statement.span);
  const hidden = frame.definition.parameters.find((parameter) => parameter.name.text === name.text);
  if (hidden !== undefined)
    frame.context.diagnostics.add(errors.inputHidesParameter(name, hidden.name.span), frame.calls);
  frame.scope.bind(name.text, meaning, name.span);
  if (meaning === undefined) poisonDims(statement.type, frame);
  if (meaning?.kind === "tensor") {
    frame.context.builder.markRead(meaning.value);
    if (isFirst) setStream(frame, meaning.value, name.span);
  } else if (isFirst && meaning === undefined) setStream(frame, undefined, name.span);
}

function declareInput(statement: InputStatement, frame: Frame): Meaning | undefined {
  const { builder, walk, diagnostics } = frame.context;
  const type = declareType(statement.type, frame);
  if (type === undefined) return undefined;
  let fill: number | undefined;
  if (statement.default !== undefined) {
    const meaning = walk.evaluate(statement.default, frame);
    if (meaning === undefined || meaning.kind === "none") return meaning;
    if (meaning.kind === "number") fill = meaning.value;
    else if (meaning.kind === "bool") fill = meaning.value ? 1 : 0;
    else {
      diagnostics.add(shapeErrors.inputFill(statement, meaning), frame.calls);
      return undefined;
    }
  }
  return tensor(builder.addInput(statement.name.text, type, fill, statement.span));
}

function takeInput(statement: InputStatement, frame: Frame): Meaning | undefined {
  const operand = frame.operands!.shift();
  const given =
    (operand === undefined || operand.kind === "none") && statement.default !== undefined
      ? frame.context.walk.evaluate(statement.default, frame)
      : operand;
  if (given === undefined) return undefined;
  switch (given.kind) {
    case "none":
      if (statement.default !== undefined) return none;
      break;
    case "number":
      return fill(statement, given.value, frame);
    case "bool":
      return fill(statement, given.value ? 1 : 0, frame);
    case "tensor": {
      const { value } = given;
      const matches = matchType(statement.type, value.type, frame, { what: statement.name.text, value });
      return matches ? given : undefined;
    }
    default:
  }
  frame.context.diagnostics.add(shapeErrors.inputTakes(statement, given), frame.calls);
  return undefined;
}

/** A number for an input is a tensor of that number, of the declared shape as far as it is known. */
function fill(statement: InputStatement, value: number, frame: Frame): Meaning | undefined {
  const word = statement.type.dtype?.text;
  const dtype = word !== undefined && isDtype(word) ? word : "f32";
  const shape = boundShape(statement.type, frame) ?? [];
  const node = frame.context.builder.emit(
    "full",
    {},
    { dtype, shape, value },
    placeOf(statement.span, frame),
  );
  return node instanceof Mismatch ? undefined : tensor(node.results[0]!);
}

/** The value of that name, or the stream under that name. */
export function lowerOutput(statement: OutputStatement, frame: Frame): void {
  const { name } = statement;
  const { builder, diagnostics } = frame.context;
  const twice = frame.outputs.find((output) => output.name === name.text);
  if (twice !== undefined) {
    diagnostics.add(errors.outputTwice(name, twice.span), frame.calls);
    return;
  }
  const binding = frame.scope.find(name.text);
  const bound = binding?.meaning?.kind === "tensor" ? binding.meaning.value : undefined;
  if (binding?.naming !== undefined) frame.context.namings.read(binding.naming);
  const hasFailed = binding !== undefined && binding.meaning === undefined;
  const isValue = bound !== undefined || hasFailed;
  const value = isValue ? bound : readStream(frame, statement.span);
  if (value !== undefined) {
    builder.markRead(value);
    builder.nameValue(value, name.text);
    if (statement.type !== undefined)
      matchType(statement.type, value.type, frame, { what: name.text, value });
  }
  frame.context.observe?.(
    name.span,
    isValue
      ? { kind: "reference", name: name.text, definition: binding?.span, value: binding?.meaning }
      : { kind: "definition", name: name.text, value: value && tensor(value) },
  );
  frame.outputs.push({ name: name.text, at: name.span, value, span: statement.span });
}
