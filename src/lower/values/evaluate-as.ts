import type { Call, Expression, Path } from "../../language/ast/expressions.ts";
import { dtypes, isDtype } from "../../tensor/dtype.ts";
import type { CallPlace, Frame } from "../frame/context.ts";
import * as errors from "../errors/arguments.ts";
import * as labelErrors from "../errors/labels.ts";
import { bareName, evaluateCondition } from "./expressions.ts";
import { isFunctionCall } from "./functions.ts";
import { evaluateInit, initializerNames, isInitCall } from "./initializers.ts";
import { convert, isPlacement, placements, type Kind } from "./kinds.ts";
import { none, type Instance, type Meaning } from "./meaning.ts";
import { findDefinition } from "../names/modules.ts";
import { labelSpan } from "../names/observe.ts";
import { walkIterations } from "./paths.ts";
import { tellName, tellOwnName, tellReference, tellSkipped } from "../names/references.ts";

/**
 * What an expression means where a kind is expected: `rope` in a layer's place is the layer, `tanh` where words stand is
 * the word. `what` names the place in messages: "`bias` of `linear`".
 */
export function evaluateAs(
  expression: Expression,
  kind: Kind,
  frame: Frame,
  what: string,
): Meaning | undefined {
  if (expression.kind === "conditional") {
    const truth = evaluateCondition(expression.condition, frame);
    if (truth === undefined) return undefined;
    tellSkipped(truth ? expression.otherwise : expression.then, frame);
    return evaluateAs(truth ? expression.then : expression.otherwise, kind, frame, what);
  }
  const meaning = meaningFor(expression, kind, frame);
  if (meaning === undefined) return undefined;
  const converted = convert(meaning, kind);
  if (converted === undefined)
    frame.context.diagnostics.add(errors.wrongKind(expression, what, kind, meaning), frame.calls);
  return converted;
}

function meaningFor(expression: Expression, kind: Kind, frame: Frame): Meaning | undefined {
  const { walk } = frame.context;
  const word = bareName(expression);
  if (word === "none") {
    tellOwnName({ text: word, span: expression.span }, frame, none);
    return none;
  }
  switch (kind.name) {
    case "layer":
      return expression.kind === "call" && word !== "true" && word !== "false"
        ? layerMeaning(expression, frame)
        : walk.evaluate(expression, frame);
    case "label":
      return expression.kind === "call" ? labelMeaning(expression, frame) : walk.evaluate(expression, frame);
    case "words":
    case "placement":
    case "dtype":
      if (word === undefined || !isWordHere(word, kind, frame)) return walk.evaluate(expression, frame);
      return wordMeaning(
        word,
        kind.words ?? (kind.name === "dtype" ? dtypes : placements),
        expression,
        frame,
      );
    case "init":
      return isInitCall(expression) ? evaluateInit(expression, frame) : initMeaning(expression, frame);
    case "any":
      return evaluateAny(expression, frame);
    default:
      return walk.evaluate(expression, frame);
  }
}

function wordMeaning(
  word: string,
  words: readonly string[],
  { span }: Expression,
  { context }: Frame,
): Meaning {
  context.observe?.(span, { kind: "word", name: word, words });
  return { kind: "word", value: word };
}

/** An allowed word means itself; so does one that is nothing else, for the message. */
function isWordHere(word: string, kind: Kind, frame: Frame): boolean {
  const isAllowed = kind.words?.includes(word) ?? (kind.name === "dtype" ? isDtype(word) : isPlacement(word));
  return isAllowed || frame.scope.find(word) === undefined;
}

/** What a `let` holds: a value if there is one of that name, else a layer, else a word. */
function evaluateAny(expression: Expression, frame: Frame): Meaning | undefined {
  const { walk } = frame.context;
  if (expression.kind !== "call") return walk.evaluate(expression, frame);
  const word = bareName(expression);
  if (word !== undefined) {
    if (frame.scope.find(word) !== undefined || isConstant(word)) return walk.evaluate(expression, frame);
    if (isPlacement(word)) return wordMeaning(word, placements, expression, frame);
    if (isDtype(word)) return wordMeaning(word, dtypes, expression, frame);
    return layerMeaning(expression, frame);
  }
  const init: Expression = expression;
  if (isInitCall(init) && !isBlockToo(init, frame)) return evaluateInit(init, frame);
  if (expression.arguments === undefined || isFunctionCall(expression))
    return walk.evaluate(expression, frame);
  return layerMeaning(expression, frame, "value");
}

/** `unit` is a block of the library too, without an argument that needs no name: `unit(2)` is the initializer. */
const isBlockToo = (call: Call, { module, context }: Frame): boolean =>
  (call.arguments ?? []).every(({ name }) => name !== undefined) &&
  findDefinition(module, context.library, call.path.root.text) !== undefined;

/** A number, a list, or a name that holds an initializer. */
function initMeaning(expression: Expression, frame: Frame): Meaning | undefined {
  const { walk, diagnostics } = frame.context;
  if (expression.kind !== "call" || isFunctionCall(expression)) return walk.evaluate(expression, frame);
  const name = expression.path.root.text;
  if (expression.path.parts.length > 0 || frame.scope.find(name) !== undefined || isConstant(name))
    return walk.evaluate(expression, frame);
  diagnostics.add(errors.unknownInit(expression.path.span, name, initializerNames), frame.calls);
  return undefined;
}

const isConstant = (word: string): boolean => ["true", "false", "stream", "training"].includes(word);

function layerMeaning(call: Call, frame: Frame, place?: CallPlace): Meaning | undefined {
  const layer = frame.context.walk.resolveLayer(call, frame, place);
  return layer === undefined ? undefined : layer === "none" ? none : { kind: "layer", layer };
}

function labelMeaning(call: Call, frame: Frame): Meaning | undefined {
  const name = bareName(call);
  const meaning = name === undefined ? undefined : frame.scope.find(name)?.meaning;
  if (meaning?.kind === "label") {
    tellName(call.path.root, frame.scope.find(name!)!, frame);
    return meaning;
  }
  const instance = findLabel(call.path, frame);
  return instance === undefined ? undefined : { kind: "label", instance };
}

/** The one layer at a label. */
function findLabel(path: Path, frame: Frame): Instance | undefined {
  const walked = walkIterations(path, frame);
  if (walked === undefined) return undefined;
  const [first, second] = walked.labels.findInstances(walked.rest);
  if (first !== undefined && second === undefined) {
    tellReference(
      { text: walked.rest, span: walked.at },
      { definition: labelSpan(first), value: { kind: "label", instance: first } },
      frame,
    );
    return first;
  }
  if (first === undefined && walked.labels.hasFailed(walked.rest)) return undefined;
  frame.context.diagnostics.add(
    first === undefined
      ? labelErrors.noSuchLabel(path.span, walked.rest, walked.labels.labels())
      : labelErrors.labelOfSeveral(path.span, walked.rest, first, second!),
    frame.calls,
  );
  return undefined;
}
