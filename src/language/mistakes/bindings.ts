import { isDtype } from "../../tensor/dtype.ts";
import * as errors from "../errors/statements.ts";
import { before as leadBy } from "../mends.ts";
import type { Recognizer } from "./failure.ts";

const typeMissing: Recognizer = (failure) => {
  const { first, index, tokens } = failure;
  if ((first !== "input" && first !== "target") || (index !== 2 && tokens[index - 1]?.text !== ":"))
    return undefined;
  const name = tokens[1]?.text ?? first;
  const example = first === "input" ? `input ${name}: f32[B, 64]` : `target ${name}: i32[B]`;
  return errors.typeMissing(failure.place, name, failure.shown, example);
};

/** `f32(B, T)` */
const typeInParentheses: Recognizer = (failure) => {
  const { found, before, tokens, index } = failure;
  if (found?.text !== "(" || tokens[index - 2]?.text !== ":" || !isDtype(before?.text ?? ""))
    return undefined;
  const dims = failure.text(index + 1, failure.chainEnd(index + 1)).trim();
  const end = tokens.findIndex((token, at) => at > index && token.text === ")");
  const all = end < 0 ? dims : failure.text(index + 1, end - 1);
  const close = tokens[end];
  return errors.typeInParentheses(failure.place, close && failure.span(close), `${before!.text}[${all}]`);
};

/** `y = residual { … }`, `y = parallel { … }`: statements, which have a name behind them. */
const statementIsBound: Recognizer = (failure) => {
  const { tokens, rule } = failure;
  const [name, sign, word] = tokens;
  const isStatement = /^(?:residual|parallel|repeat)$/.test(word?.text ?? "");
  if (rule === "TopLevel" || name?.kind !== "word" || sign?.text !== "=" || !isStatement || failure.index < 2)
    return undefined;
  const fix =
    word!.text === "repeat"
      ? `${name.text} = stream`
      : `${word!.text}${word!.text === "residual" ? " …" : ""} { … } as ${name.text}`;
  return errors.statementIsBound(failure.span(word!), word!.text, fix);
};

const equalsInArgument: Recognizer = (failure) => {
  const { found, before, index } = failure;
  if (found?.text !== "=" || before?.kind !== "word" || !failure.inArguments) return undefined;
  return errors.equalsInArgument(
    failure.place,
    before.text,
    failure.text(index + 1, failure.chainEnd(index + 1)),
  );
};

const equalsInCondition: Recognizer = (failure) => {
  const isCondition = failure.first === "if" || failure.first === "assert" || failure.openBracket() >= 0;
  if (failure.found?.text !== "=" || !isCondition) return undefined;
  return errors.equalsInCondition(failure.place);
};

const comparisonInBinding: Recognizer = (failure) => {
  if (failure.found?.text !== "==" || (!failure.wants("=") && !failure.wants('not "="'))) return undefined;
  return errors.comparisonInBinding(failure.place);
};

const assignmentOperator: Recognizer = (failure) => {
  const { found, before, tokens, index } = failure;
  if (found?.text !== "=" || before === undefined || !/^[-+*/%^]$/.test(before.text)) return undefined;
  const target = failure.text(0, index - 2);
  const value = failure.text(index + 1, tokens.length - 1);
  // All of what follows is one operand, whatever binds loosest in it.
  const [open, close] = tokens.length - index > 2 ? ["(", ")"] : ["", ""];
  const begun = `= ${target} ${before.text}`;
  const operator = failure.span(before, found);
  const last = failure.span(tokens.at(-1)!);
  const first = tokens[index + 1] === undefined ? last : failure.span(tokens[index + 1]!);
  return errors.otherOperator(operator, `${before.text}=`, `${target} ${begun} ${open}${value}${close}`, [
    { span: operator, text: begun },
    { span: { ...first, end: first.start }, text: open },
    { span: { ...last, start: last.end }, text: close },
  ]);
};

/** `output y = last`, `output y: f32[B, 4] = last` */
const outputIsBound: Recognizer = (failure) => {
  const { first, found, index, tokens } = failure;
  const name = tokens[1]?.text;
  if (first !== "output" || found?.text !== "=" || name === undefined || index < 2) return undefined;
  const value = failure.text(index + 1, tokens.length - 1);
  return errors.outputIsBound(failure.place, `${name} = ${value}`, failure.text(0, index - 1));
};

const onlyNames: Recognizer = (failure) => {
  const { tokens, rule } = failure;
  const sign = tokens.findIndex((token) => token.text === "=");
  const isBroken = failure.index === sign || (failure.found?.text === "," && failure.openBracket() < 0);
  if (rule === "TopLevel" || sign < 1 || !isBroken || failure.openBracket(sign) >= 0) return undefined;
  if (tokens[0]?.text === "residual") return undefined;
  const target = failure.text(0, sign - 1);
  const help =
    failure.found?.text === ","
      ? `write \`(${target}) = …\``
      : tokens[1]?.text === ":"
        ? `only an input has a type here: \`input ${target} = …\`; a value takes one with \`as ${target}\``
        : "bind a name, and use it";
  return errors.onlyNamesAreBound(failure.span(tokens[0]!, tokens[sign - 1]), target, help);
};

/** `dim: 64` as the default of a parameter, `dim: hidden_size` in a config. */
const colonInsteadOfEquals: Recognizer = (failure) => {
  const { found, before, rule, tokens, index } = failure;
  if (rule === "ConfigLine" && found?.text === ":") {
    const fix = `${failure.first} = ${failure.text(index + 1, tokens.length - 1)}`;
    return errors.colonInsteadOfEquals(
      failure.place,
      "a parameter takes its value from a config with `=`",
      fix,
      { span: failure.place, text: " =" },
    );
  }
  if (rule !== "TopLevel" || before?.text !== ":" || found === undefined || found.kind === "symbol")
    return undefined;
  const fix = `${tokens[index - 2]?.text ?? "name"} = ${found.text}`;
  return errors.colonInsteadOfEquals(
    failure.span(before),
    `after \`:\` stands the kind of the parameter, found ${failure.shown}`,
    fix,
    { span: failure.span(before), text: " =" },
  );
};

/** `model m(dim 64)` */
const defaultWithoutSign: Recognizer = (failure) => {
  const { found, before, rule } = failure;
  if (rule !== "TopLevel" || found === undefined || before?.kind !== "word" || !failure.wants("="))
    return undefined;
  if (found.kind === "symbol" || failure.openBracket() < 0) return undefined;
  const message = `after the name of a parameter stands \`:\` and its kind, or \`=\` and its default, found ${failure.shown}`;
  const wanted = `${before.text} = ${found.text}`;
  return errors.colonInsteadOfEquals(failure.place, message, wanted, leadBy(failure.place, "= "));
};

export const bindingMistakes: readonly Recognizer[] = [
  typeInParentheses,
  statementIsBound,
  equalsInArgument,
  comparisonInBinding,
  assignmentOperator,
  equalsInCondition,
  typeMissing,
  outputIsBound,
  onlyNames,
  colonInsteadOfEquals,
  defaultWithoutSign,
];
