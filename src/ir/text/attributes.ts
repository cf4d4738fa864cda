import type { Node } from "ohm-js";
import type { Attribute, AttributeKind } from "../../ops/attributes.ts";
import { isScalarName, type ScalarArgument, type ScalarExpression } from "../../ops/scalar.ts";
import { listWords, nearest } from "../../support/text.ts";
import { showDim, type Dim } from "../../tensor/dim.ts";
import { dtypes, isDtype } from "../../tensor/dtype.ts";
import { all, numberOf, textOf, wrong, type Context } from "./context.ts";
import { items } from "./grammar.ts";
import { readSum } from "./sums.ts";

/** A number as IR text has it: reads back to the same number, -0 and infinities too. */
export function showNumber(value: number): string {
  if (Object.is(value, -0)) return "-0";
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const small = value !== 0 && Math.abs(value) < 1e-3;
  return small ? value.toExponential() : String(value);
}

/** `add(i0, i1); tanh(t0); mul(t1, 0.5)`. */
export const showExpression = (program: ScalarExpression): string =>
  program.steps.map(({ op, args }) => `${op}(${args.map(showArgument).join(", ")})`).join("; ");

const showArgument = (argument: ScalarArgument): string =>
  argument.kind === "number"
    ? showNumber(argument.value)
    : `${argument.kind === "input" ? "i" : "t"}${argument.index}`;

const showNumbers = (values: readonly number[]): string => `[${values.map(showNumber).join(", ")}]`;

/** How the values of each kind of attribute are written. */
const printers: { readonly [K in AttributeKind]: (value: never) => string } = {
  int: showNumber,
  float: showNumber,
  "optional int": showNumber,
  "optional float": showNumber,
  bool: String,
  word: String,
  dtype: String,
  text: (value: string) => JSON.stringify(value),
  dim: showDim,
  dims: (value: readonly Dim[]) => `[${value.map(showDim).join(", ")}]`,
  ints: showNumbers,
  floats: showNumbers,
  expression: (value: ScalarExpression) => `{ ${showExpression(value)} }`,
  words: (value: readonly string[]) => `[${value.join(", ")}]`,
};

export const showAttribute = (kind: AttributeKind, value: unknown): string => printers[kind](value as never);

type Read = (context: Context, value: Node, attribute: Attribute<unknown>) => unknown;

const numberPattern = /^-?(\d+(\.\d+)?(e[+-]?\d+)?|inf|nan)$/;

const expected = (context: Context, node: Node, what: string): unknown =>
  wrong(context, "E605", node, `expected ${what}, got ${node.sourceString}`);

const readNumber: Read = (context, node) =>
  numberPattern.test(node.sourceString) ? numberOf(node) : expected(context, node, "a number");

const readInt: Read = (context, node) => {
  const value = numberPattern.test(node.sourceString) ? numberOf(node) : NaN;
  // No -0: an int has one zero.
  return Number.isSafeInteger(value) ? value + 0 : expected(context, node, "a whole number");
};

const readWord: Read = (context, node, { words = [] }) => {
  const word = node.sourceString;
  if (words.includes(word)) return word;
  const near = nearest(word, words);
  const help = near === undefined ? {} : { help: `did you mean \`${near}\`?` };
  wrong(context, "E605", node, `expected ${listWords(words, "or")}, got ${word}`, help);
};

const readDtype: Read = (context, node) =>
  isDtype(node.sourceString) ? node.sourceString : expected(context, node, listWords(dtypes, "or"));

const readDim: Read = (context, node) => {
  const [inner] = node.children;
  return inner?.ctorName === "Value_sum"
    ? readSum(context, inner.child(0))
    : expected(context, node, "a size");
};

const readText: Read = (context, node) =>
  node.sourceString.startsWith('"') ? textOf(context, node) : expected(context, node, "a text");

const readBool: Read = (context, node) => {
  const word = node.sourceString;
  return word === "true" || word === "false" ? word === "true" : expected(context, node, "true or false");
};

/** A list whose items are read alike. */
const listOf =
  (read: Read): Read =>
  (context, node, attribute) => {
    const [inner] = node.children;
    if (inner?.ctorName !== "Value_list") {
      expected(context, node, "a list");
      return;
    }
    return all(items(inner.child(1)).map((item) => read(context, item, attribute)));
  };

const readExpression: Read = (context, node): ScalarExpression | undefined => {
  const [inner] = node.children;
  if (inner?.ctorName !== "Value_program") {
    expected(context, node, "a program in braces");
    return;
  }
  const steps = all(items(inner.child(1)).map((step) => readStep(context, step)));
  return steps && { steps };
};

function readStep(context: Context, step: Node): ScalarExpression["steps"][number] | undefined {
  const op = step.child(0).sourceString;
  if (!isScalarName(op)) {
    expected(context, step.child(0), "the name of an elementwise op");
    return;
  }
  const args = items(step.child(2)).map((argument): ScalarArgument => {
    const text = argument.sourceString;
    if (argument.child(0).ctorName === "number") return { kind: "number", value: numberOf(argument) };
    return { kind: text.startsWith("i") ? "input" : "step", index: Number(text.slice(1)) };
  });
  return { op, args };
}

const readers: { readonly [K in AttributeKind]: Read } = {
  int: readInt,
  float: readNumber,
  "optional int": readInt,
  "optional float": readNumber,
  bool: readBool,
  word: readWord,
  dtype: readDtype,
  text: readText,
  dim: readDim,
  dims: listOf(readDim),
  ints: listOf(readInt),
  floats: listOf(readNumber),
  expression: readExpression,
  words: listOf(readWord),
};

/** The value of an attribute; undefined after a report. */
export const readAttribute = (context: Context, node: Node, attribute: Attribute<unknown>): unknown =>
  readers[attribute.kind](context, node, attribute);
