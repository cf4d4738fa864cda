import type {
  AllowStatement,
  AssertStatement,
  BindStatement,
  Body,
  ChainStatement,
  ConfigStatement,
  DefaultStatement,
  IfStatement,
  LetStatement,
  Statement,
} from "../../language/ast.ts";
import { checkArchitecture } from "../config/written/check.ts";
import type { Frame } from "../frame/context.ts";
import { lowerResidual } from "../edges/edges.ts";
import * as argumentErrors from "../errors/arguments.ts";
import * as labelErrors from "../errors/labels.ts";
import * as bindingErrors from "../errors/bindings.ts";
import * as streamErrors from "../errors/stream.ts";
import * as lintErrors from "../errors/lints.ts";
import { takenBody } from "./conditions.ts";
import { evaluateCondition, evaluateText } from "../values/expressions.ts";
import { lowerInput, lowerOutput } from "./inputs.ts";
import { nameOf, type Meaning } from "../values/meaning.ts";
import { lowerParallel } from "../edges/parallel.ts";
import { tellReference, tellSkipped } from "../names/references.ts";
import { lowerRepeat } from "./repeats.ts";
import { setStream } from "./stream.ts";
import { toTensor } from "../values/tensors.ts";

/** The statements of a body, in text order; one that fails does not keep the next from being looked at. */
export function lowerBody(body: Body, frame: Frame): void {
  for (const statement of body.statements) {
    if (frame.stopped) tellSkipped(statement, frame);
    else lowerStatement(statement, frame);
  }
}

export function lowerStatement(statement: Statement, frame: Frame): void {
  frame.context.budget.spend("steps", 1, statement.span, frame);
  lowerByKind(statement, frame);
  if (frame.stream.kind === "value")
    frame.context.observe?.(statement.span, { kind: "stream", type: frame.stream.value.type });
}

function lowerByKind(statement: Statement, frame: Frame): void {
  switch (statement.kind) {
    case "input":
      lowerInput(statement, frame);
      break;
    case "output":
      lowerOutput(statement, frame);
      break;
    case "let":
      lowerLet(statement, frame);
      break;
    case "assert":
      lowerAssert(statement, frame);
      break;
    case "default":
      lowerDefault(statement, frame);
      break;
    case "if":
      lowerIf(statement, frame);
      break;
    case "repeat":
      lowerRepeat(statement, frame, (body) => lowerBody(body, frame));
      break;
    case "parallel":
      lowerParallel(statement, frame);
      break;
    case "residual":
      lowerResidual(statement, frame);
      break;
    case "bind":
      lowerBind(statement, frame);
      break;
    case "chain":
      lowerChainStatement(statement, frame);
      break;
    case "braces":
      lowerBody(statement.body, frame);
      break;
    case "allow":
      lowerAllow(statement, frame);
      break;
    // The entry reads them, once for a model; a model used as a block leaves them out.
    case "train":
      break;
    case "config":
      tellConfigured(statement, frame);
      break;
  }
}

/** A section is read only with a config; the parameters that its lines name are known without. */
function tellConfigured(section: ConfigStatement, frame: Frame): void {
  checkArchitecture(section, frame);
  for (const line of section.lines)
    if (line.kind === "key") {
      const parameter = frame.definition.parameters.find(({ name }) => name.text === line.name.text);
      if (parameter !== undefined) tellReference(line.name, { definition: parameter.name.span }, frame);
    }
}

function lowerIf(statement: IfStatement, frame: Frame): void {
  const taken = takenBody(statement, frame);
  if (taken === "failed") frame.stream = { kind: "failed" };
  else if (taken !== undefined) lowerBody(taken, frame);
}

function lowerLet(statement: LetStatement, frame: Frame): void {
  const { name, value } = statement;
  const kind = { name: "any", optional: true } as const;
  const meaning = frame.context.walk.evaluateAs(value, kind, frame, `\`${name.text}\``);
  const isTensor = meaning?.kind === "tensor" || meaning?.kind === "tuple";
  if (isTensor) frame.context.diagnostics.add(bindingErrors.letOfTensor(statement, meaning), frame.calls);
  frame.scope.bind(name.text, isTensor ? undefined : meaning, name.span);
}

function lowerAssert(statement: AssertStatement, frame: Frame): void {
  const truth = evaluateCondition(statement.condition, frame);
  if (truth !== false) {
    tellSkipped(statement.message, frame);
    return;
  }
  const message = evaluateText(statement.message, frame);
  if (message?.kind === "text")
    frame.context.diagnostics.add(argumentErrors.assertionFailed(statement, message.value), frame.calls);
  frame.stopped = true;
  frame.stream = { kind: "failed" };
}

/** What calls leave out from here on, in the model and in the blocks that it calls. */
function lowerDefault(statement: DefaultStatement, frame: Frame): void {
  const { context } = frame;
  if (frame.operands !== undefined) {
    if (frame.definition.kind === "block")
      context.diagnostics.add(labelErrors.defaultInBlock(statement.span), frame.calls);
    return;
  }
  for (const call of statement.calls) {
    const layer = context.walk.resolveLayer(call, frame);
    if (layer === undefined || layer === "none") continue;
    const name = nameOf(layer);
    context.defaults.set(name, new Map([...(context.defaults.get(name) ?? []), ...layer.given]));
  }
}

/** What a lint would say of the statement around it, it does not. */
function lowerAllow(statement: AllowStatement, frame: Frame): void {
  const { context } = frame;
  for (const name of statement.lints)
    if (context.lintNames.includes(name.text))
      context.observe?.(name.span, { kind: "word", name: name.text, words: context.lintNames });
    else context.diagnostics.add(lintErrors.unknownLint(name, context.lintNames), frame.calls);
  context.allowed.set(statement, frame.definition);
}

function lowerBind(statement: BindStatement, frame: Frame): void {
  const meaning = frame.context.walk.chain(statement.chain, frame);
  const items = bindItems(statement, meaning, frame);
  statement.targets.forEach((target, index) => {
    if (target.text !== "_") bindValue(target.text, items?.[index], statement, index, frame);
  });
}

/** One meaning a target; undefined if their number differs, which has been reported. */
function bindItems(
  statement: BindStatement,
  meaning: Meaning | undefined,
  frame: Frame,
): readonly Meaning[] | undefined {
  if (meaning === undefined) return undefined;
  const items = meaning.kind === "tuple" ? meaning.items : [meaning];
  const fits = statement.tuple ? items.length === statement.targets.length : meaning.kind !== "tuple";
  if (fits) return items;
  frame.context.diagnostics.add(bindingErrors.targetCount(statement, items.length), frame.calls);
  return undefined;
}

function bindValue(
  name: string,
  meaning: Meaning | undefined,
  statement: BindStatement,
  index: number,
  frame: Frame,
): void {
  const { builder, diagnostics } = frame.context;
  const { span } = statement.targets[index]!;
  if (meaning?.kind === "tensor") {
    const target = statement.targets[index]!;
    builder.markRead(meaning.value);
    builder.nameValue(meaning.value, name);
    frame.scope.bindNaming(target, meaning);
    frame.context.namings.bound(target, frame);
    return;
  }
  if (meaning !== undefined && meaning.kind !== "none") {
    diagnostics.add(
      bindingErrors.bindOfStatic(statement, name, meaning, !isOfTraining(statement, frame)),
      frame.calls,
    );
    frame.scope.bind(name, undefined, span);
    return;
  }
  frame.scope.bind(name, meaning, span);
}

const isOfTraining = ({ span }: BindStatement, { definition }: Frame): boolean =>
  definition.body.statements.some(
    (statement) =>
      statement.kind === "train" && statement.span.start < span.start && span.end < statement.span.end,
  );

/** Moves the stream to the chain's end; warns if the value that it replaces had no reader. */
function lowerChainStatement(statement: ChainStatement, frame: Frame): void {
  const { builder, diagnostics, walk } = frame.context;
  const before = frame.stream;
  const meaning = walk.chain(statement.chain, frame);
  if (meaning?.kind === "tuple") {
    diagnostics.add(streamErrors.tupleAsStatement(statement, meaning.items.length), frame.calls);
    frame.stream = { kind: "failed" };
    return;
  }
  const isTensorLike = meaning?.kind === "tensor" || meaning?.kind === "number";
  if (meaning !== undefined && !isTensorLike) {
    diagnostics.add(streamErrors.statementWithoutTensor(statement, meaning), frame.calls);
    frame.stream = { kind: "failed" };
    return;
  }
  const value = meaning === undefined ? undefined : toTensor(meaning, statement.span, frame);
  const isSumLost = before.kind === "sum" && frame.stream === before;
  const isValueLost = before.kind === "value" && before.value !== value && !builder.isRead(before.value);
  if (value !== undefined && (isSumLost || isValueLost))
    diagnostics.add(streamErrors.deadStream(before.span, statement.span), frame.calls);
  setStream(frame, value, statement.span);
}
