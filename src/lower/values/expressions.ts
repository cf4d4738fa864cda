import type {
  Binary,
  BinaryOperator,
  Call,
  Expression,
  Group,
  Text,
  Unary,
} from "../../language/ast/expressions.ts";
import type { Span } from "../../support/source.ts";
import { arithmetic, compare, sameMeaning } from "./arithmetic.ts";
import type { Frame } from "../frame/context.ts";
import * as argumentErrors from "../errors/arguments.ts";
import * as arithmeticErrors from "../errors/arithmetic.ts";
import { evaluateFunction, isFunctionCall } from "./functions.ts";
import { bool, none, number, showMeaning, type Meaning } from "./meaning.ts";
import { evaluatePath } from "./paths.ts";
import { evaluateMadeList } from "./ranges.ts";
import { tellSkipped } from "../names/references.ts";
import { combineTensors, invertTensor, negateTensor } from "./tensors.ts";

/** Deeper than any model is written; a user's text never overflows the compiler's stack. */
const MAX_DEPTH = 400;

/** What an expression means; undefined if it is wrong, which has been reported. */
export function evaluate(expression: Expression, frame: Frame): Meaning | undefined {
  const { context } = frame;
  context.budget.spend("steps", 1, expression.span, frame);
  if (context.depth > MAX_DEPTH) {
    context.diagnostics.add(argumentErrors.tooDeep(expression.span), frame.calls);
    return undefined;
  }
  context.depth++;
  const meaning = evaluateHere(expression, frame);
  context.depth--;
  if (meaning !== undefined && expression.kind !== "number" && bareName(expression) === undefined)
    context.observe?.(expression.span, { kind: "expression", value: meaning });
  return meaning;
}

function evaluateHere(expression: Expression, frame: Frame): Meaning | undefined {
  switch (expression.kind) {
    case "number":
      return number(expression.value, !expression.whole);
    case "text":
      return evaluateText(expression, frame);
    case "list":
      return all(
        expression.items.map((item) => evaluate(item, frame)),
        (items) => frame.context.budget.hold({ kind: "list", items }, expression.span, frame),
      );
    case "made_list":
      return evaluateMadeList(expression, frame);
    case "group":
      return evaluateGroup(expression, frame);
    case "call":
      return evaluateCall(expression, frame);
    case "unary": {
      const operand = evaluate(expression.operand, frame);
      if (operand === undefined) return undefined;
      return expression.operator === "not"
        ? negateTruth(operand, expression, frame)
        : negate(operand, expression.span, frame);
    }
    case "binary":
      return evaluateBinary(expression, frame);
    case "conditional": {
      const truth = evaluateCondition(expression.condition, frame);
      if (truth === undefined) return undefined;
      tellSkipped(truth ? expression.otherwise : expression.then, frame);
      return evaluate(truth ? expression.then : expression.otherwise, frame);
    }
  }
}

/** The parts' meaning if none of them failed. */
function all(
  parts: readonly (Meaning | undefined)[],
  join: (parts: readonly Meaning[]) => Meaning,
): Meaning | undefined {
  return parts.every((part) => part !== undefined) ? join(parts) : undefined;
}

/** A text with the values of its holes. */
export function evaluateText(text: Text, frame: Frame): Meaning | undefined {
  const parts = text.parts.map((part) => {
    if (typeof part === "string") return part;
    const meaning = evaluate(part, frame);
    return meaning === undefined ? undefined : showMeaning(meaning);
  });
  if (parts.includes(undefined)) return undefined;
  const length = parts.reduce((sum, part) => sum + part!.length, 0);
  frame.context.budget.write(length, text.span, frame);
  return { kind: "text", value: parts.join("") };
}

function evaluateGroup(group: Group, frame: Frame): Meaning | undefined {
  const [only] = group.chains;
  if (!group.tuple && only !== undefined) return frame.context.walk.chain(only, frame);
  return all(
    group.chains.map((chain) => frame.context.walk.chain(chain, frame)),
    (items) => frame.context.budget.hold({ kind: "tuple", items }, group.span, frame),
  );
}

function evaluateCall(call: Call, frame: Frame): Meaning | undefined {
  if (call.arguments === undefined) return evaluatePath(call.path, frame);
  if (isFunctionCall(call)) return evaluateFunction(call, frame);
  // What means no layer at all is told as such.
  if (frame.context.walk.resolveLayer(call, frame, "value") !== undefined)
    frame.context.diagnostics.add(argumentErrors.layerAsOperand(call), frame.calls);
  return undefined;
}

function negateTruth(operand: Meaning, expression: Unary, frame: Frame): Meaning | undefined {
  const { span } = expression.operand;
  if (operand.kind === "bool") return bool(!operand.value);
  if (operand.kind === "tensor") return invertTensor(operand.value, span, expression.span, frame);
  frame.context.diagnostics.add(argumentErrors.notATruth(span, operand), frame.calls);
  return undefined;
}

function negate(operand: Meaning, span: Span, frame: Frame): Meaning | undefined {
  if (operand.kind === "number") return { ...operand, value: -operand.value };
  if (operand.kind === "tensor") return negateTensor(operand.value, span, frame);
  return arithmetic("-", number(0), operand, span, span, frame);
}

/** The truth of a condition, known before the model runs. */
export function evaluateCondition(condition: Expression, frame: Frame): boolean | undefined {
  const meaning = evaluate(condition, frame);
  if (meaning === undefined) return undefined;
  if (meaning.kind === "bool") return meaning.value;
  frame.context.diagnostics.add(argumentErrors.notATruth(condition.span, meaning), frame.calls);
  return undefined;
}

/** Sums are long to the left: the left operands are a loop, not a recursion. */
function evaluateBinary(expression: Binary, frame: Frame): Meaning | undefined {
  const spine: Binary[] = [];
  let leftmost: Expression = expression;
  while (leftmost.kind === "binary") {
    spine.push(leftmost);
    leftmost = leftmost.left;
  }
  let left = evaluate(leftmost, frame);
  for (const binary of spine.toReversed()) left = evaluateOperation(binary, left, frame);
  return left;
}

function evaluateOperation(binary: Binary, left: Meaning | undefined, frame: Frame): Meaning | undefined {
  const { operator } = binary;
  if (operator === "and" || operator === "or") return evaluateLogic(binary, left, frame);
  const right = comparedWord(binary, left, frame) ?? evaluate(binary.right, frame);
  if (left === undefined || right === undefined) return undefined;
  if (operator === "in") return isAmong(left, right, binary, frame);
  const isNoneAsked = isComparison(operator) && (left.kind === "none" || right.kind === "none");
  if ((left.kind === "tensor" || right.kind === "tensor") && !isNoneAsked)
    return combineTensors(operator, left, right, binary, frame);
  if (isComparison(operator)) {
    const { budget } = frame.context;
    budget.spend("steps", Math.min(budget.sizeOf(left), budget.sizeOf(right)), binary.span, frame);
    return compare(operator, left, right, binary, frame);
  }
  return arithmetic(operator, left, right, binary.operatorSpan, binary.span, frame);
}

/** `placement == pre`: beside a parameter that holds a word stands another of its words. */
function comparedWord({ right }: Binary, left: Meaning | undefined, frame: Frame): Meaning | undefined {
  const word = bareName(right);
  if (left?.kind !== "word" || left.words === undefined || word === undefined) return undefined;
  if (left.words.includes(word)) {
    frame.context.observe?.(right.span, { kind: "word", name: word, words: left.words });
    return { kind: "word", value: word, words: left.words };
  }
  if (frame.scope.find(word) !== undefined || word === "none") return undefined;
  frame.context.diagnostics.add(argumentErrors.unknownWord(right.span, word, left.words), frame.calls);
  return { ...left, value: word };
}

/** `kind in ["a", "b"]`: whether one of the elements equals it. */
function isAmong(left: Meaning, right: Meaning, binary: Binary, frame: Frame): Meaning | undefined {
  const { budget, diagnostics } = frame.context;
  if (right.kind !== "list") {
    diagnostics.add(arithmeticErrors.notAList(binary, right), frame.calls);
    return undefined;
  }
  budget.spend("steps", budget.sizeOf(right), binary.span, frame);
  return bool(right.items.some((item) => sameMeaning(left, item) === true));
}

const isComparison = (operator: BinaryOperator): operator is "<=" | ">=" | "==" | "!=" | "<" | ">" =>
  operator === "==" || operator === "!=" || operator.startsWith("<") || operator.startsWith(">");

/** The right side is not looked at where the left side decides; tensors are combined element by element. */
function evaluateLogic(binary: Binary, left: Meaning | undefined, frame: Frame): Meaning | undefined {
  if (left === undefined) return undefined;
  if (left.kind === "bool" && left.value === (binary.operator === "or")) {
    tellSkipped(binary.right, frame);
    return left;
  }
  if (left.kind !== "bool" && left.kind !== "tensor") {
    frame.context.diagnostics.add(argumentErrors.notATruth(binary.left.span, left), frame.calls);
    return undefined;
  }
  const right = evaluate(binary.right, frame);
  if (right === undefined) return undefined;
  if (right.kind !== "bool" && right.kind !== "tensor") {
    frame.context.diagnostics.add(argumentErrors.notATruth(binary.right.span, right), frame.calls);
    return undefined;
  }
  if (left.kind === "bool" && right.kind === "bool") return right;
  return combineTensors(binary.operator === "or" ? "or" : "and", left, right, binary, frame);
}

/** True for a name that stands alone: `none`, `pre`, `eps`. */
export const bareName = (expression: Expression): string | undefined =>
  expression.kind === "call" && expression.arguments === undefined && expression.path.parts.length === 0
    ? expression.path.root.text
    : undefined;

export const isNone = (expression: Expression): boolean => bareName(expression) === none.kind;
