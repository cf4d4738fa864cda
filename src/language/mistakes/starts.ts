import { listWords, nearest } from "../../support/text.ts";
import * as errors from "../errors/statements.ts";
import { clauseWords, freeStatementWords, statementWords, trainSettings } from "../words.ts";
import { endsValue, type Failure, type Recognizer } from "./failure.ts";

/** Words that begin a statement elsewhere, and what lmg has in their place. */
const foreign: Readonly<Record<string, string>> = {
  for: "repeat with `repeat n as label[i] { … }`",
  while: "repeat with `repeat n as label[i] { … }`",
  loop: "repeat with `repeat n as label[i] { … }`",
  return: "a block's result is its stream, or what `output name` says",
  def: "a reusable part is a `block`, at the top of the file",
  fn: "a reusable part is a `block`, at the top of the file",
  func: "a reusable part is a `block`, at the top of the file",
  function: "a reusable part is a `block`, at the top of the file",
  class: "a reusable part is a `block`, at the top of the file",
  import: 'definitions of another file come with `use "./file.lmg"`, at the top of the file',
  var: "a value is bound with `name = …`, a number or a layer with `let name = …`",
  const: "a value is bound with `name = …`, a number or a layer with `let name = …`",
  elif: "write `else if`",
  elseif: "write `else if`",
  switch: "choose with `if … { } else if … { } else { }`",
  add: "a residual edge is written `residual { … }`, a sum `a + b`",
  skip: "`skip` is a clause of an edge: `residual skip 2 { … }`",
  branch: "`branch` is a clause of an edge: `residual branch 0.5 { … }`",
  from: "`from` is a clause of an edge: `residual from x0`",
  init: "`init` is a clause of an edge: `residual init 0.5 { … }`",
};

const isAtStart = (failure: Failure): boolean => failure.index === 0;

/** Slash and star, at the start of a statement or behind one. */
const blockComment: Recognizer = (failure) => {
  const { tokens, index } = failure;
  const at = [index, index - 1].find(
    (slash) => tokens[slash]?.text === "/" && tokens[slash + 1]?.text.startsWith("*"),
  );
  return at === undefined ? undefined : errors.blockComment(failure.span(tokens[at]!, tokens[at + 1]));
};

const symbolAtStart: Recognizer = (failure) => {
  const { found } = failure;
  if (!isAtStart(failure) || found === undefined || (found.kind === "word" && found.text !== "as"))
    return undefined;
  const isOperator = /^(?:[-+*/%^<>=|,.]+|as)$/.test(found.text);
  if (!isOperator && failure.rule !== "TopLevel") return undefined;
  if (failure.rule === "TopLevel")
    return errors.notAtTop(failure.place, found.text, "put it into a `model` or a `block`");
  const help =
    found.text === "->"
      ? "a chain starts with a value or a layer; a layer alone starts at the stream"
      : `put the \`${found.text}\` at the end of the line above`;
  return errors.cannotBegin(failure.place, found.text, help);
};

const wordAtTop: Recognizer = (failure) => {
  const word = failure.tokens[0];
  if (failure.rule !== "TopLevel" || word?.kind !== "word" || /^(?:use|model|block)$/.test(word.text))
    return undefined;
  const near = nearest(word.text, ["use", "model", "block"]);
  const known = foreign[word.text];
  const help =
    near !== undefined
      ? `did you mean \`${near}\`?`
      : (known ?? "put it into a `model` or a `block`, before its `}`");
  return errors.notAtTop(failure.span(word), word.text, help, near);
};

const topWordInside: Recognizer = (failure) => {
  const word = failure.tokens[0];
  if (failure.rule === "TopLevel" || word === undefined || !/^(?:use|model|block)$/.test(word.text))
    return undefined;
  return failure.index <= 1 ? errors.onlyAtTop(failure.span(word), word.text) : undefined;
};

const strayElse: Recognizer = (failure) => {
  if (failure.first !== "else" || failure.index > 1) return undefined;
  return errors.cannotBegin(failure.span(failure.tokens[0]!), "else", "it follows the `}` of an `if`");
};

const asAtStart: Recognizer = (failure) => {
  if (failure.first !== "as" || failure.index > 1) return undefined;
  const help = "it names what stands before it, on the same line: `stream as start`";
  return errors.cannotBegin(failure.span(failure.tokens[0]!), "as", help);
};

const clauseAtStart: Recognizer = (failure) => {
  const { first, index, tokens } = failure;
  if (index !== 1 || !(clauseWords as readonly string[]).includes(first)) return undefined;
  const help = `\`${first}\` is a clause of an edge: \`residual ${first} … { … }\``;
  return errors.unknownStart(failure.span(tokens[0]!), first, help);
};

/** Two words side by side, the first of them unknown: most likely the word of a statement, misspelt. */
const unknownWord: Recognizer = (failure) => {
  const { first, index, tokens, found, rule } = failure;
  const word = tokens[0];
  if (
    rule !== "Statement" ||
    index !== 1 ||
    word?.kind !== "word" ||
    (found?.kind === "symbol" && found.text !== "{")
  )
    return undefined;
  const near = nearest(first, [...statementWords, ...freeStatementWords]);
  if (foreign[first] !== undefined) return errors.unknownStart(failure.span(word), first, foreign[first]);
  return near === undefined
    ? undefined
    : errors.unknownStart(failure.span(word), first, `did you mean \`${near}\`?`, near);
};

const elseIf: Recognizer = (failure) => {
  const { found, first } = failure;
  if (first !== "if" || (found?.text !== "elif" && found?.text !== "elseif")) return undefined;
  return errors.unknownStart(failure.place, found.text, "write `else if`", "else if");
};

const unknownSetting: Recognizer = (failure) => {
  const { first, index, tokens, rule, before } = failure;
  if (rule !== "TrainLine" || index !== 1 || !endsValue(before) || tokens[0]?.kind !== "word")
    return undefined;
  const settings = ["target", ...trainSettings];
  if (settings.includes(first)) return settingForm(failure);
  return errors.straySetting(failure.span(tokens[0]), first, nearest(first, settings), listWords(settings));
};

const settingForm: Recognizer = (failure) =>
  failure.first === "target" ? undefined : errors.settingForm(failure.place, failure.first, failure.shown);

export const startMistakes: readonly Recognizer[] = [
  blockComment,
  symbolAtStart,
  wordAtTop,
  topWordInside,
  strayElse,
  asAtStart,
  clauseAtStart,
  elseIf,
  unknownSetting,
  unknownWord,
];
