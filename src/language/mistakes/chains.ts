import * as errors from "../errors/statements.ts";
import { endsValue, quote, type Failure, type Recognizer } from "./failure.ts";

const operators = new Set([
  "+",
  "-",
  "*",
  "/",
  "%",
  "^",
  "<",
  ">",
  "<=",
  ">=",
  "==",
  "!=",
  "and",
  "or",
  "in",
]);

const misspeltArrow: Recognizer = (failure) => {
  const { tokens, index } = failure;
  for (const at of [index, index - 1]) {
    const [first, second] = [tokens[at], tokens[at + 1]];
    if (first === undefined) continue;
    if (first.text === "=>") return errors.arrowMisspelt(failure.span(first), first.text);
    const both = `${first.text}${second?.text ?? ""}`;
    if (second === undefined || !["->", "|>", ">>", "-->", "<-"].includes(both)) continue;
    const found = first.end === second.start ? both : `${first.text} ${second.text}`;
    return errors.arrowMisspelt(failure.span(first, second), found);
  }
  return undefined;
};

/** After an arrow stands something that is no layer. */
const noLayer: Recognizer = (failure) => {
  const { tokens, index, found } = failure;
  const isAfterArrow = tokens[index - 1]?.text === "->";
  // A number could have been a label up to the colon, so the match got stuck one token after it.
  const isAfterNumber = tokens[index - 2]?.text === "->" && tokens[index - 1]?.kind === "number";
  if (!isAfterArrow && !isAfterNumber) return undefined;
  if (isAfterArrow && found?.text === "->")
    return errors.layerExpected(failure.place, "another `->`", "leave one of the arrows out");
  if (isAfterArrow && found === undefined)
    return errors.layerExpected(failure.place, failure.shown, "add the layer, or leave the arrow out");
  const culprit = tokens[isAfterArrow ? index : index - 1]!;
  return errors.layerExpected(failure.span(culprit), quote(culprit), helpForLayer(failure, culprit.text));
};

function helpForLayer(failure: Failure, found: string): string {
  if (found === "(") return "several branches that are summed stand in `parallel { … }`";
  const arrow = failure.tokens.findLastIndex((token, index) => index <= failure.index && token.text === "->");
  const head = failure.text(failure.chainStart(arrow), arrow - 1);
  const [number, sign] = [failure.tokens[arrow + 1], failure.tokens[arrow + 2]];
  if (number?.kind === "number" && sign !== undefined && operators.has(sign.text))
    return `write \`${number.text} ${sign.text} (${head} -> ${failure.text(arrow + 3, failure.chainEnd(arrow + 3))})\``;
  return `to compute with the result, put the chain in parentheses: \`(${head} -> layer) + …\``;
}

/** `x -> f + y`: the operator wants a value on its left, which a chain is only in parentheses. */
const operatorAfterLayer: Recognizer = (failure) => {
  const { found, before, index } = failure;
  if (found === undefined || !operators.has(found.text) || !endsValue(before)) return undefined;
  const start = failure.chainStart();
  const chain = failure.tokens.slice(start, index);
  if (!chain.some((token) => token.text === "->" || token.text === ":")) return undefined;
  const fix = `(${failure.text(start, index - 1)}) ${failure.text(index, failure.chainEnd())}`;
  return errors.operatorAfterLayer(failure.place, found.text, fix, failure.span(chain[0]!, before));
};

/** `norm: rmsnorm if c else none`: a choice is a value, and stands where values do. */
const choiceOfLayer: Recognizer = (failure) => {
  const { tokens, index, found, before } = failure;
  if (found?.text !== "if" || !endsValue(before) || failure.rule === "TopLevel") return undefined;
  const start = failure.chainStart();
  const places = [...tokens.keys()].slice(start, index);
  const layer = places.findLast((at) => isLayerSign(tokens[at]!.text) && failure.openBracket(at) < start);
  if (layer === undefined) return undefined;
  const chosen = failure.text(layer + 1, failure.chainEnd());
  return errors.choiceOfLayer(failure.place, chosen, `${failure.text(start, layer)} f`);
};

const isLayerSign = (text: string): boolean => text === "->" || text === ":";

/** `x -> not`, which the line below may seem to go on with. */
const notAfterArrow: Recognizer = (failure) => {
  const { tokens, index } = failure;
  const at = tokens.findLastIndex(
    ({ text }, place) => place < index && text === "not" && tokens[place - 1]?.text === "->",
  );
  if (at < 0 || tokens[at + 1]?.text === ":") return undefined;
  const start = failure.chainStart(at - 1);
  const head = failure.text(start, at - 2);
  const fix = start === at - 2 ? `not ${head}` : `not (${head})`;
  return errors.layerExpected(failure.span(tokens[at]!), "`not`", `it stands before a value: \`${fix}\``);
};

const chainNotHere: Recognizer = (failure) => {
  const { found, first } = failure;
  if (found?.text !== "->") return undefined;
  if (failure.inArguments)
    return errors.chainNotHere(
      failure.place,
      "an argument",
      "arguments are known before the model runs; give the chain's value through an arrow: `(a, b) -> layer`",
    );
  if (first === "let") {
    const fix = failure.text(1, failure.tokens.length - 1);
    return errors.chainNotHere(
      failure.place,
      "a `let`",
      `\`let\` is for compile time; for tensors write \`${fix}\``,
    );
  }
  if (first === "output")
    return errors.chainNotHere(
      failure.place,
      "an `output`",
      "put the chain on the line above: an output gives the value of its name, or the stream if there is none",
    );
  const where = first === "if" || first === "assert" ? "a condition" : "this place";
  return errors.chainNotHere(failure.place, where, "bind its value on a line above: `name = …`");
};

const nameAfterAs: Recognizer = (failure) => {
  if (failure.before?.text !== "as") return undefined;
  const what = failure.first === "repeat" ? "a label, or an index in brackets" : "a name";
  return errors.nameAfterAs(failure.place, failure.shown, what);
};

const layerAfterLabel: Recognizer = (failure) => {
  const { tokens, index, before, rule } = failure;
  if (before?.text !== ":" || !failure.wants("a name") || rule === "TopLevel") return undefined;
  const label = tokens[index - 2];
  if ((label?.kind !== "word" && label?.kind !== "text") || failure.inArguments || failure.first === "input")
    return undefined;
  return errors.layerAfterLabel(failure.place, label.text, failure.shown);
};

const partsOfResult: Recognizer = (failure) => {
  const { found, before } = failure;
  if (before?.text !== ")" || (found?.text !== "[" && found?.text !== "(" && found?.text !== "."))
    return undefined;
  return errors.resultHasNoParts(failure.place, found.text);
};

export const chainMistakes: readonly Recognizer[] = [
  misspeltArrow,
  notAfterArrow,
  noLayer,
  operatorAfterLayer,
  choiceOfLayer,
  chainNotHere,
  nameAfterAs,
  layerAfterLabel,
  partsOfResult,
];
