import { errorAt, type Diagnostic, type Edit } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { around, separatedFrom } from "../mends.ts";

/* How a statement is no statement, E120 and from E140: what `mistakes/` finds where the grammar ends. */

export const arrowMisspelt = (arrow: Span, found: string): Diagnostic =>
  errorAt("E120", arrow, `an arrow is written \`->\`, not \`${found}\``, {
    label: "write `->`",
    // An arrow to the left wants its sides exchanged.
    instead: found.startsWith("<") ? undefined : "->",
  });

export const unexpected = (place: Span, expected: string, found: string): Diagnostic =>
  errorAt("E140", place, `expected ${expected}, found ${found}`);

export const cannotBegin = (place: Span, found: string, help: string): Diagnostic =>
  errorAt("E141", place, `a statement cannot begin with \`${found}\``, { help });

export const unknownStart = (word: Span, found: string, help: string, instead?: string): Diagnostic =>
  errorAt("E142", word, `no statement begins with \`${found}\``, { help, instead });

export const notAtTop = (word: Span, found: string, help: string, instead?: string): Diagnostic =>
  errorAt("E143", word, `a file holds \`use\`, \`model\` and \`block\`, found \`${found}\``, {
    help,
    instead,
  });

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

const ofNames = (setting: string, value: string): string =>
  `\`${setting}\` takes patterns of names and a number: \`${setting} "h.*" ${value}\``;

/** Settings that are more than a value. */
const settingForms: Readonly<Record<string, string>> = {
  rate: ofNames("rate", "0.5"),
  eps: ofNames("eps", "1e-9"),
  decay: ofNames("decay", "0.1"),
  after: '`after step` takes a layer and patterns of names: `after step l2norm "h.*.weight"`',
};

export const settingForm = (place: Span, setting: string, found: string): Diagnostic =>
  errorAt("E146", place, `after \`${setting}\` stands its value, found ${found}`, {
    help: settingForms[setting] ?? `a setting is written without \`:\` and \`=\`: \`${setting} …\``,
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

export const colonInsteadOfEquals = (place: Span, message: string, wanted: string, fix: Edit): Diagnostic =>
  errorAt("E152", place, message, { label: `write \`${wanted}\``, fix: [fix] });

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

export const operatorAfterLayer = (operator: Span, found: string, wanted: string, chain: Span): Diagnostic =>
  errorAt("E157", operator, `\`${found}\` cannot follow a layer: \`->\` binds loosest`, {
    help: `write \`${wanted}\``,
    fix: around(chain, "(", ")"),
  });

export const chainNotHere = (arrow: Span, where: string, help: string): Diagnostic =>
  errorAt("E158", arrow, `no chain can stand in ${where}`, { help });

export const nameAfterAs = (place: Span, found: string, what: string): Diagnostic =>
  errorAt("E159", place, `after \`as\` stands ${what}, found ${found}`);

export const layerAfterLabel = (place: Span, label: string, found: string): Diagnostic =>
  errorAt("E160", place, `after the label \`${label}:\` stands a layer, found ${found}`);

export const clauseForm = (place: Span, message: string, help: string, fix?: Edit): Diagnostic =>
  errorAt("E161", place, message, { help, ...(fix && { fix: [fix] }) });

/** `chain` is all that it is to take, where that is known. */
export const fromForm = (place: Span, wanted: string, chain: Span | undefined): Diagnostic =>
  errorAt("E162", place, "`from` takes a name, or a chain in parentheses", {
    help: `write \`${wanted}\``,
    ...(chain && { fix: around(chain, "(", ")") }),
  });

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

export const pathExpected = (place: Span, found: string, wanted: string, fix?: Edit): Diagnostic =>
  errorAt("E170", place, `after \`use\` stands the path of a file, found ${found}`, {
    help: `write \`use ${wanted}\``,
    ...(fix && { fix: [fix] }),
  });

/** `close` is the parenthesis at the end, if it is there. */
export const typeInParentheses = (open: Span, close: Span | undefined, wanted: string): Diagnostic =>
  errorAt("E171", open, "the dims of a type stand in brackets", {
    help: `write \`${wanted}\``,
    ...(close && {
      fix: [
        { span: open, text: "[" },
        { span: close, text: "]" },
      ],
    }),
  });

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
