import { errorAt, warningAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { around, before } from "../mends.ts";

/* What the grammar lets through and the tree cannot hold, E121 to E133: found as the tree is built. */

export const tooManyOperators = (expression: Span, limit: number): Diagnostic =>
  errorAt("E121", expression, `this expression has more than ${limit} operators`, {
    help: "give names to parts of it",
  });

/** `middle` is what both compare. */
export const chainedComparison = (second: Span, first: Span, wanted: string, middle: string): Diagnostic =>
  errorAt("E122", second, "comparisons do not chain", {
    more: [{ span: first, text: "this one is complete" }],
    help: `write \`${wanted}\``,
    fix: [before(second, `and ${middle} `)],
  });

/** `whole` is the operator with what it turns round. */
export const notNeedsParentheses = (operator: Span, whole: Span): Diagnostic =>
  errorAt("E123", operator, "`not` binds looser than the operator before it", {
    help: "put it in parentheses: `(not …)`",
    fix: around(whole, "(", ")"),
  });

export const reservedName = (name: Span, word: string, what: string): Diagnostic =>
  errorAt("E124", name, `\`${word}\` is a word of the language and cannot name ${what}`, {
    help: "it is free as a label and as an argument's name; choose another name here",
  });

export const nameNeedsSmallLetter = (name: Span, word: string, what: string): Diagnostic =>
  errorAt("E125", name, `the name of ${what} begins with a small letter or \`_\`, unlike \`${word}\``, {
    help: "capitals are the run-time dims of shapes, like `B` and `T`",
  });

export const unknownKind = (kind: Span, word: string, kinds: string, near: string | undefined): Diagnostic =>
  errorAt("E126", kind, `\`${word}\` is not a kind of parameter`, {
    ...(near === undefined ? {} : { label: `did you mean \`${near}\`?`, instead: near }),
    help: `the kinds are ${kinds}; words to choose from are written \`first | second\``,
  });

export const unknownDtype = (
  dtype: Span,
  word: string,
  dtypes: string,
  near: string | undefined,
): Diagnostic =>
  errorAt("E127", dtype, `\`${word}\` is not a type of elements`, {
    ...(near === undefined ? {} : { label: `did you mean \`${near}\`?`, instead: near }),
    help: `the types are ${dtypes}`,
  });

export const onlyUpperBounds = (operator: Span, found: string): Diagnostic =>
  errorAt("E128", operator, `a dim can be bounded with \`<=\` only, found \`${found}\``, {
    help: "`T <= ctx` binds T and says that it is at most ctx",
    instead: found === "<" ? "<=" : undefined,
  });

export const boundNeedsDim = (dim: Span): Diagnostic =>
  errorAt("E129", dim, "only a run-time dim, a name with a capital like `T`, takes a bound");

export const numberTooLarge = (number: Span): Diagnostic =>
  errorAt("E130", number, "this number is too large to be exact", {
    help: "whole numbers are exact up to 2^53, others reach about 1.8e308",
  });

export const unknownEscape = (escape: Span, found: string): Diagnostic =>
  errorAt("E131", escape, `\`${found}\` means nothing in a text`, {
    help: 'a text knows `\\"`, `\\\\`, `\\n` and `\\{`',
  });

export const holeInPath = (path: Span): Diagnostic =>
  errorAt("E132", path, "the path of a `use` cannot hold values", { help: "write `\\{` for a brace" });

export const emptyEdge = (edge: Span): Diagnostic =>
  errorAt("E133", edge, "this edge has neither a body nor `from`: it would double the stream", {
    help: "give it a branch, `residual { … }`, or a value to add, `residual from x0`",
  });

export const numberTooSmall = (number: Span): Diagnostic =>
  errorAt("E134", number, "this number is too small to be told from 0", {
    help: "the smallest number above 0 is about 4.9e-324; write `0.0` if that is meant",
  });

export const settingIsBound = (binding: Span, setting: string): Diagnostic =>
  warningAt("W101", binding, `this binds a value called \`${setting}\`, it does not set ${setting}`, {
    help: `a setting is written without \`=\`: \`${setting} …\``,
  });
