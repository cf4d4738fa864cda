import { errorAt, warningAt, type Diagnostic, type Edit } from "../support/diagnostic.ts";
import type { Span } from "../support/source.ts";
import { plainSigns, separatedFrom, signs } from "./mends.ts";

/*
 * What can be wrong with the text of a `.lmg` file: one function a mistake, E100 to E119 in its layout, from E120 in
 * its statements. Codes are stable: one that is no longer needed is not used again.
 */

export const fileTooLong = (span: Span, length: number, limit: number): Diagnostic =>
  errorAt(
    "E100",
    span,
    `this file has ${Math.ceil(length / 1024)} KB; a file has ${limit / 1024} KB at most`,
    {
      help: 'put some of its definitions into another file, and `use "./other.lmg"`',
    },
  );

export const tooDeep = (bracket: Span, limit: number): Diagnostic =>
  errorAt("E101", bracket, `brackets are nested more than ${limit} deep here`, {
    help: "give names to inner parts, or make them blocks",
  });

export const neverClosed = (bracket: Span, character: string, before: Span | undefined): Diagnostic =>
  errorAt("E102", bracket, `this \`${character}\` is never closed`, {
    more: before === undefined ? [] : [{ span: before, text: "it should be closed before this" }],
  });

export const closesNothing = (bracket: Span, character: string, early: Span | undefined): Diagnostic =>
  errorAt("E103", bracket, `this \`${character}\` closes nothing`, {
    more: early === undefined ? [] : [{ span: early, text: "the definition ended here already" }],
  });

export const wrongCloser = (bracket: Span, found: string, open: Span, expected: string): Diagnostic =>
  errorAt("E104", bracket, `expected \`${expected}\`, found \`${found}\``, {
    instead: expected,
    more: [{ span: open, text: `\`${expected}\` would close this` }],
  });

export const semicolonInBrackets = (semicolon: Span, open: Span, character: string): Diagnostic =>
  errorAt("E105", semicolon, `\`;\` ends a statement, but a \`${character}\` is still open`, {
    more: [{ span: open, text: "opened here" }],
    help: `close the \`${character}\` first, or write a comma`,
  });

export const textNotClosed = (text: Span): Diagnostic =>
  errorAt("E106", text, 'this text has no closing `"` on its line', {
    help: 'a text ends on the line that it starts on; write `\\n` for a line end and `\\"` for a quote',
  });

export function oddCharacter(span: Span, character: string): Diagnostic {
  const arrow = /[→⇒⟶⟹➔➜⭢]/u.test(character);
  if (arrow) return arrowMisspelt(span, character);
  const code = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
  const shown = /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? `\`${character}\`` : `the character ${code}`;
  const sign = Object.hasOwn(signs, character) ? signs[character]! : undefined;
  const help = instead[character] ?? (sign === undefined ? undefined : `write \`${sign}\``);
  const message = /[!-~]/.test(character)
    ? `${shown} means nothing here`
    : `${shown} may stand in comments and texts only`;
  const fix = plainSigns(span, character);
  return errorAt("E107", span, message, { ...(help !== undefined && { help }), ...(fix && { fix }) });
}

const instead: Readonly<Record<string, string>> = {
  "#": "a comment begins with `//`",
  "'": 'a text stands in double quotes: `"…"`',
  "`": 'a text stands in double quotes: `"…"`',
  "“": 'a text stands in plain double quotes: `"…"`',
  "”": 'a text stands in plain double quotes: `"…"`',
  "&": "write `and`",
  "@": "a product of matrices is the layer `matmul`: `(x, w) -> matmul`",
  "?": "a choice is written `a if c else b`",
  "\u00A0": "this is a blank that does not break; write a plain one",
};

export const tooManyErrors = (place: Span, limit: number): Diagnostic =>
  errorAt("E108", place, `there are ${limit} errors up to here; what follows was not checked`);

export const commentLooksLikeDivision = (comment: Span): Diagnostic =>
  warningAt("W100", comment, "`//` begins a comment; it does not divide", {
    help: "integer division is `div(a, b)`; if this is a comment, say it in more than one word",
  });

export const statementTooLong = (span: Span, length: number, limit: number): Diagnostic =>
  errorAt(
    "E109",
    span,
    `this statement has ${Math.ceil(length / 1024)} KB; a statement has ${limit / 1024} KB at most`,
    { help: "give names to parts of it" },
  );

export const arrowMisspelt = (arrow: Span, found: string): Diagnostic =>
  errorAt("E120", arrow, `an arrow is written \`->\`, not \`${found}\``, {
    label: "write `->`",
    // An arrow to the left wants its sides exchanged.
    instead: found.startsWith("<") ? undefined : "->",
  });

export const tooManyOperators = (expression: Span, limit: number): Diagnostic =>
  errorAt("E121", expression, `this expression has more than ${limit} operators`, {
    help: "give names to parts of it",
  });

export const chainedComparison = (second: Span, first: Span, fix: string): Diagnostic =>
  errorAt("E122", second, "comparisons do not chain", {
    more: [{ span: first, text: "this one is complete" }],
    help: `write \`${fix}\``,
  });

export const notNeedsParentheses = (operator: Span): Diagnostic =>
  errorAt("E123", operator, "`not` binds looser than the operator before it", {
    help: "put it in parentheses: `(not …)`",
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

export const settingIsBound = (binding: Span, setting: string): Diagnostic =>
  warningAt("W101", binding, `this binds a value called \`${setting}\`, it does not set ${setting}`, {
    help: `a setting is written without \`=\`: \`${setting} …\``,
  });

export const unexpected = (place: Span, expected: string, found: string): Diagnostic =>
  errorAt("E140", place, `expected ${expected}, found ${found}`);

export const cannotBegin = (place: Span, found: string, help: string): Diagnostic =>
  errorAt("E141", place, `a statement cannot begin with \`${found}\``, { help });

export const unknownStart = (word: Span, found: string, help: string): Diagnostic =>
  errorAt("E142", word, `no statement begins with \`${found}\``, { help });

export const notAtTop = (word: Span, found: string, help: string): Diagnostic =>
  errorAt("E143", word, `a file holds \`use\`, \`model\` and \`block\`, found \`${found}\``, { help });

export const onlyAtTop = (word: Span, found: string): Diagnostic =>
  errorAt("E144", word, `\`${found}\` stands at the top of a file, not inside of a definition`);

export const straySetting = (
  word: Span,
  found: string,
  near: string | undefined,
  settings: string,
): Diagnostic =>
  errorAt("E145", word, `\`${found}\` is not a setting of \`train\``, {
    ...(near === undefined ? {} : { label: `did you mean \`${near}\`?`, instead: near }),
    help: `the settings are ${settings}; a value is bound with \`=\``,
  });

export const settingForm = (place: Span, setting: string, found: string): Diagnostic =>
  errorAt("E146", place, `after \`${setting}\` stands its value, found ${found}`, {
    help: `a setting is written without \`:\` and \`=\`: \`${setting} …\``,
  });

export const missingBody = (place: Span, word: string, found: string): Diagnostic =>
  errorAt("E147", place, `\`${word}\` needs a body in braces here, found ${found}`, {
    label: "expected `{`",
  });

export const headerForm = (place: Span, message: string, help: string): Diagnostic =>
  errorAt("E148", place, message, { help });

export const equalsInCondition = (sign: Span): Diagnostic =>
  errorAt("E149", sign, "`=` binds a name; it does not compare", { label: "write `==`", instead: "==" });

export const comparisonInBinding = (sign: Span): Diagnostic =>
  errorAt("E150", sign, "`==` compares; it does not bind a name", { label: "write `=`", instead: "=" });

export const equalsInArgument = (sign: Span, name: string, value: string): Diagnostic =>
  errorAt("E151", sign, "an argument is named with `:`, not with `=`", {
    label: `write \`${name}: ${value}\``,
    instead: ":",
  });

export const colonInsteadOfEquals = (colon: Span, message: string, fix: string): Diagnostic =>
  errorAt("E152", colon, message, { label: `write \`${fix}\`` });

export const onlyNamesAreBound = (target: Span, found: string, help: string): Diagnostic =>
  errorAt("E153", target, `only a name, or names in parentheses, can be bound, found \`${found}\``, { help });

/** `help` says what else may be meant; without it the comma is. */
export const missingComma = (next: Span, found: string, help?: string): Diagnostic =>
  errorAt(
    "E154",
    next,
    `a comma is missing before ${found}`,
    help === undefined ? { fix: [separatedFrom(next, ",")] } : { help },
  );

export const extraComma = (comma: Span): Diagnostic =>
  errorAt("E155", comma, "nothing stands between this comma and what is before it", { instead: "" });

export const layerExpected = (place: Span, found: string, help: string): Diagnostic =>
  errorAt("E156", place, `after \`->\` stands a layer, found ${found}`, { help });

export const operatorAfterLayer = (operator: Span, found: string, fix: string): Diagnostic =>
  errorAt("E157", operator, `\`${found}\` cannot follow a layer: \`->\` binds loosest`, {
    help: `write \`${fix}\``,
  });

export const chainNotHere = (arrow: Span, where: string, help: string): Diagnostic =>
  errorAt("E158", arrow, `no chain can stand in ${where}`, { help });

export const nameAfterAs = (place: Span, found: string, what: string): Diagnostic =>
  errorAt("E159", place, `after \`as\` stands ${what}, found ${found}`);

export const layerAfterLabel = (place: Span, label: string, found: string): Diagnostic =>
  errorAt("E160", place, `after the label \`${label}:\` stands a layer, found ${found}`);

export const clauseForm = (place: Span, message: string, help: string, fix?: Edit): Diagnostic =>
  errorAt("E161", place, message, { help, ...(fix && { fix: [fix] }) });

export const fromForm = (place: Span, fix: string): Diagnostic =>
  errorAt("E162", place, "`from` takes a name, or a chain in parentheses", { help: `write \`${fix}\`` });

export const assertForm = (place: Span, found: string): Diagnostic =>
  errorAt("E163", place, `\`assert\` needs a message, found ${found}`, {
    help: 'write `assert condition, "what is wrong, with {values}"`',
  });

export const typeMissing = (place: Span, name: string, found: string, example: string): Diagnostic =>
  errorAt("E164", place, `\`${name}\` needs a type, found ${found}`, { help: `for example \`${example}\`` });

export const holeInText = (hole: Span, message: string): Diagnostic =>
  errorAt("E165", hole, message, { help: "in a text, `{…}` shows a value; write `\\{` for a brace" });

export const numberForm = (number: Span, found: string, fix: string | undefined): Diagnostic =>
  errorAt(
    "E166",
    number,
    `\`${found}\` is not a number`,
    fix === undefined ? {} : { label: `write \`${fix}\``, instead: fix },
  );

export const otherOperator = (
  operator: Span,
  found: string,
  wanted: string,
  fix: readonly Edit[],
): Diagnostic =>
  errorAt("E167", operator, `\`${found}\` is not an operator`, { label: `write \`${wanted}\``, fix });

/** `begins`: what was found can only begin another statement. */
export const statementsShareLine = (next: Span, found: string, begins: boolean): Diagnostic =>
  errorAt("E168", next, `expected the end of the statement, found ${found}`, {
    help: "statements stand on lines of their own, or are separated by `;`; between a value and a layer stands `->`",
    ...(begins && { fix: [separatedFrom(next, ";")] }),
  });

export const resultHasNoParts = (place: Span, found: string): Diagnostic =>
  errorAt("E169", place, `\`${found}\` cannot follow the arguments of a layer`, {
    help: "name its result with `name = …`, or go on with `-> select(…)`",
  });

export const pathExpected = (place: Span, found: string, fix: string): Diagnostic =>
  errorAt("E170", place, `after \`use\` stands the path of a file, found ${found}`, {
    help: `write \`use ${fix}\``,
  });

export const typeInParentheses = (span: Span, fix: string): Diagnostic =>
  errorAt("E171", span, "the dims of a type stand in brackets", { help: `write \`${fix}\`` });

export const statementIsBound = (span: Span, word: string, fix: string): Diagnostic =>
  errorAt("E172", span, `\`${word}\` is a statement, which moves the stream, and no value`, {
    help:
      word === "repeat" ? `name the stream after it: \`${fix}\`` : `name its result behind it: \`${fix}\``,
  });

export const commaAtEnd = (span: Span): Diagnostic =>
  errorAt("E173", span, "a statement ends with its line, without a comma", {
    help: "leave the comma out",
    instead: "",
  });

export const blockComment = (span: Span): Diagnostic =>
  errorAt("E174", span, "a comment begins with `//` and ends with its line", {
    help: "`/*` and `*/` do not stand in this language: put `//` in front of each line",
  });

export const outputIsBound = (sign: Span, binding: string, output: string): Diagnostic =>
  errorAt("E175", sign, "an output is a value that has its name, or else the stream; it takes no `=`", {
    help: `bind the name before: \`${binding}; ${output}\``,
  });

export const choiceOfLayer = (place: Span, chosen: string, use: string): Diagnostic =>
  errorAt("E176", place, "a layer is not chosen where it is applied", {
    help: `choose it before, \`let f = ${chosen}\`, and write \`${use}\``,
  });
