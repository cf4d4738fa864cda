import { spanText } from "../../support/source.ts";
import * as errors from "../errors/statements.ts";
import { clauseWords, freeClauseWords } from "../words.ts";
import { quote, type Failure, type Recognizer } from "./failure.ts";

const isClauseWord = (word: string | undefined): boolean =>
  word !== undefined && ([...clauseWords, ...freeClauseWords] as readonly string[]).includes(word);

const repeatForm: Recognizer = (failure) => {
  const { first, index, found, tokens } = failure;
  if (first !== "repeat") return undefined;
  const help = "write `repeat 3 { … }`, `repeat 3 as label[i] { … }` or `repeat 2..6 as label[i] { … }`";
  // `repeat i in 3`: a name and `in` would be a comparison, of which no count comes.
  const over = index === 1 ? tokens[2] : found;
  if (over?.text === "in")
    return errors.headerForm(failure.span(over), "`repeat` takes a count or a range, not `in`", help);
  if (found?.text === "checkpoint")
    return errors.headerForm(
      failure.place,
      "`checkpoint` stands behind the count",
      "write `repeat 3 checkpoint as label[i] { … }`",
    );
  if (index > 1) return undefined;
  return errors.headerForm(failure.place, `\`repeat\` needs a count, found ${failure.shown}`, help);
};

const parallelForm: Recognizer = (failure) => {
  if (failure.first !== "parallel" || failure.index !== 1) return undefined;
  return errors.headerForm(
    failure.place,
    `\`parallel\` needs a body in braces, found ${failure.shown}`,
    "write `parallel { a; b }`, with `as name` after the body",
  );
};

const outputForm: Recognizer = (failure) => {
  const { first, index, found } = failure;
  if (first !== "output" || (index !== 1 && found?.text !== ",")) return undefined;
  const help = "each output is a statement: `output first; output second`";
  return errors.headerForm(failure.place, `\`output\` takes one name, found ${failure.shown}`, help);
};

/** `input x: f32[B], y: f32[B]`; a comma that ends a line is another mistake, and is looked for first. */
export const inputForm: Recognizer = (failure) => {
  const { first, found } = failure;
  if (first !== "input" || found?.text !== "," || failure.openBracket() >= 0) return undefined;
  const help = "each input is a statement: `input first: f32[B]; input second: f32[B]`";
  return errors.headerForm(failure.place, "`input` takes one name, found `,`", help);
};

const assertForm: Recognizer = (failure) => {
  const { first, found, before } = failure;
  if (first !== "assert" || failure.openBracket() >= 0) return undefined;
  if (found?.kind === "text" && failure.wants(",")) return errors.missingComma(failure.place, "the message");
  const needsMessage = before?.text === "," && failure.wants("a text");
  if (!needsMessage && !(found === undefined && failure.wants(","))) return undefined;
  return errors.assertForm(failure.place, failure.shown);
};

const allowForm: Recognizer = (failure) => {
  const { first, index, tokens } = failure;
  if (first !== "allow" || index === 0 || tokens[1]?.kind === "symbol") return undefined;
  return errors.headerForm(
    failure.place,
    `\`allow\` takes names of lints, with commas between them, found ${failure.shown}`,
    "for example `allow no_final_norm, unread_tap`",
  );
};

const useForm: Recognizer = (failure) => {
  const { first, index, tokens } = failure;
  if (first !== "use" || failure.rule !== "TopLevel" || index !== 1) return undefined;
  const [, begin] = tokens;
  const path = begin === undefined ? "" : failure.text(1, tokens.length - 1).replaceAll(/["\s]/g, "");
  if (begin === undefined || path === "")
    return errors.pathExpected(failure.place, failure.shown, '"./file.lmg"');
  const span = failure.span(begin, tokens.at(-1));
  const text = `"${spanText(span).replaceAll(/["\s]/g, "")}"`;
  return errors.pathExpected(failure.place, failure.shown, `"${path}"`, { span, text });
};

const nameMissing: Recognizer = (failure) => {
  const { first, index, rule } = failure;
  if (rule !== "TopLevel" || index !== 1 || first === "use") return undefined;
  return errors.headerForm(
    failure.place,
    `a \`${first}\` needs a name, found ${failure.shown}`,
    `write \`${first} name(dim = 64) { … }\``,
  );
};

/** `residual(pre ln: layernorm) { … }` */
const clausesInParentheses: Recognizer = (failure) => {
  const { first, index, found, tokens } = failure;
  if (first !== "residual" || index !== 1 || found?.text !== "(") return undefined;
  const inner = failure.text(2, failure.chainEnd(2)).trim();
  return errors.clauseForm(
    failure.place,
    "the clauses of an edge stand without parentheses",
    tokens.length > 2
      ? `write \`residual ${inner} { … }\``
      : "for example `residual pre ln: layernorm { … }`",
  );
};

/** `skip: 0.5`, `skip = 0.5`, `pre = layernorm` */
const signInClause: Recognizer = (failure) => {
  const { first, found, before, index } = failure;
  if (first !== "residual" || (found?.text !== "=" && found?.text !== ":")) return undefined;
  if (!isClauseWord(before?.text) || !isPosition(failure, index - 1)) return undefined;
  const value = failure.text(index + 1, failure.chainEnd(index + 1)).trim();
  return errors.clauseForm(
    failure.place,
    `after \`${before!.text}\` stands no \`${found.text}\``,
    `write \`${before!.text} ${value}\``,
    { span: failure.place, text: "" },
  );
};

const missingBody: Recognizer = (failure) => {
  if (!failure.wants("{") || failure.index === 0 || failure.openBracket() >= 0) return undefined;
  if (!/^(?:model|block|if|repeat)$/.test(failure.first)) return undefined;
  const word = failure.before?.text === "else" ? "else" : failure.first;
  return errors.missingBody(failure.place, word, failure.shown);
};

const clauseForm: Recognizer = (failure) => {
  const { first, tokens, index, found, before } = failure;
  if (first !== "residual" || failure.openBracket() >= 0) return undefined;
  if (index === 1 && found?.kind === "word" && tokens[2]?.text === ":")
    return errors.clauseForm(
      failure.place,
      `a norm needs its position: \`${found.text}:\` is only its label`,
      `write \`residual pre ${failure.text(1, failure.chainEnd(1))} { … }\`, or \`post\`, \`out\`, \`sandwich\``,
    );
  if (before?.text === ",") return clauseExpected(failure);
  if (found?.text === ":" && tokens[index - 2]?.text === "init" && isPosition(failure, index - 2))
    return errors.clauseForm(
      failure.place,
      "after `init` stands a factor, not a layer",
      "for example `init 0.5`",
    );
  if (before?.kind === "word" && isPosition(failure, index - 1)) return normExpected(failure);
  if (isClauseWord(found?.text)) return errors.missingComma(failure.place, `the clause ${quote(found!)}`);
  if (found?.kind !== "word" || before?.kind !== "word" || !isPosition(failure, index - 2)) return undefined;
  const fix = `${tokens[index - 2]!.text} ${before.text}: ${found.text}`;
  return errors.clauseForm(
    failure.place,
    `expected \`:\` after the label \`${before.text}\``,
    `write \`${fix}\``,
    { span: { ...failure.span(before), start: failure.span(before).end }, text: ":" },
  );
};

/** Whether the token there is the word that begins a clause. */
const isPosition = (failure: Failure, index: number): boolean =>
  failure.tokens[index]?.kind === "word" && (index === 1 || failure.tokens[index - 1]?.text === ",");

const clauseExpected: Recognizer = (failure) =>
  errors.clauseForm(
    failure.place,
    `after the comma stands another clause, found ${failure.shown}`,
    "a clause begins with pre, out, post, sandwich, from, skip, branch, init, or a parameter of kind placement",
  );

/** What follows the words of clauses that place no norm, and an example of it. */
const clauseValues: Readonly<Record<string, readonly [what: string, example: string]>> = {
  skip: ["gain", "0.5"],
  branch: ["gain", "0.5"],
  from: ["tensor", "x0"],
  init: ["factor", "0.5"],
};

const normExpected: Recognizer = (failure) => {
  const word = failure.before!.text;
  if (!failure.wants("a name")) return undefined;
  if (isClauseWord(word)) {
    const [what, example] = clauseValues[word] ?? ["norm", "ln: layernorm"];
    return errors.clauseForm(
      failure.place,
      `after \`${word}\` stands a ${what}, found ${failure.shown}`,
      `for example \`${word} ${example}\``,
    );
  }
  return errors.clauseForm(
    failure.place,
    `after the position \`${word}\` stands a norm, found ${failure.shown}`,
    `if \`${word}\` is the branch, put it in braces: \`residual { ${word} }\``,
  );
};

const fromForm: Recognizer = (failure) => {
  const { tokens, index, found } = failure;
  const word = tokens.findLastIndex(
    (token, at) => at < index && isPosition(failure, at) && token.text === "from",
  );
  if (word < 0 || found === undefined || found.kind !== "symbol" || failure.openBracket() >= 0)
    return undefined;
  if (found.text === "," || found.text === "{") return undefined;
  const end = failure.chainEnd();
  const chain = tokens.slice(word + 1, end + 1);
  // Where other clauses may follow, it is not known what is to be in the parentheses.
  const isAlone =
    chain.length > 0 &&
    !chain.some(({ kind, text }) => text === ":" || (kind === "word" && isClauseWord(text)));
  return errors.fromForm(
    failure.place,
    `from (${failure.text(word + 1, end)})`,
    isAlone ? failure.span(chain[0]!, chain.at(-1)) : undefined,
  );
};

export const headerMistakes: readonly Recognizer[] = [
  repeatForm,
  parallelForm,
  outputForm,
  assertForm,
  allowForm,
  useForm,
  nameMissing,
  clausesInParentheses,
  signInClause,
  fromForm,
  clauseForm,
  missingBody,
];
