import { smallest } from "../../support/lists.ts";
import {
  flatText,
  group,
  ifBroken,
  indent,
  isFlat,
  join,
  layOut,
  line,
  softline,
  type Doc,
} from "./document.ts";
import { chainOf, collection, document, given, inside, isFluent } from "./expression.ts";
import { levelOf, parseExpression, parseItems, tokensOf, type Expression } from "./parse.ts";

/** Longest line of emitted Python, where it can be broken: what its formatters have if nothing else is said. */
export const WIDTH = 88;

/** Words that an expression follows, and may a colon. */
const leading: ReadonlySet<string> = new Set("return assert raise if elif while yield".split(" "));

const assignments: ReadonlySet<string> = new Set(["=", "+=", "-=", "*=", "/=", "|=", "&="]);

/** A statement on one line, laid out as ruff does it: its lines, of which the first begins at the margin. */
export function formatStatement(code: string, margin: number): readonly string[] {
  const tokens = tokensOf(code);
  const [first] = tokens ?? [];
  if (tokens === undefined || first === undefined) return [code];
  if (first === "def" || first === "class" || first === "async") return header(tokens, margin);
  if (first === "from") return imports(tokens, margin);
  if (first === "import" || first === "with" || first === "try" || first === "else" || first === "except")
    return [code];
  if (first === "@") return expressionLines("@", tokens.slice(1), "", margin);
  const isHead = tokens.at(-1) === ":";
  const body = isHead ? tokens.slice(0, -1) : tokens;
  const suffix = isHead ? ":" : "";
  if (first === "for") {
    const at = body.indexOf("in");
    const targets = flatText(inside(parseExpression(body.slice(1, at))));
    return expressionLines(`for ${targets} in `, body.slice(at + 1), suffix, margin);
  }
  if (leading.has(first))
    return body.length === 1 ? [code] : expressionLines(`${first} `, body.slice(1), suffix, margin);
  if (body.length === 1) return [code];
  const at = lastAssignment(body);
  // `name: type`
  if (at === undefined && body[1] === ":") return [code];
  return at === undefined
    ? expressionLines("", body, suffix, margin)
    : expressionLines(`${targetText(body.slice(0, at))} ${body[at]!} `, body.slice(at + 1), suffix, margin);
}

/** The sign of an assignment, outside of brackets. */
function lastAssignment(tokens: readonly string[]): number | undefined {
  let [depth, found] = [0, undefined as number | undefined];
  for (const [at, token] of tokens.entries()) {
    if ("([{".includes(token)) depth++;
    if (")]}".includes(token)) depth--;
    if (depth === 0 && token === "lambda") break;
    if (depth === 0 && assignments.has(token)) found = at;
  }
  return found;
}

/** `a = b`, `x: int`, `self.a, self.b`: all on one line. */
function targetText(tokens: readonly string[]): string {
  const parts: string[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if ("([{".includes(token)) depth++;
    if (")]}".includes(token)) depth--;
    if (depth === 0 && (token === "=" || token === ":")) parts.push([token], []);
    else parts.at(-1)!.push(token);
  }
  return parts
    .map((part) =>
      part.length === 1 && part[0] === "="
        ? " = "
        : part[0] === ":"
          ? ": "
          : flatText(inside(parseExpression(part))),
    )
    .join("");
}

const lines = (doc: Doc, margin: number): readonly string[] => layOut(doc, margin, margin, WIDTH);

/** `def f(a, b):`, `class A(B):` */
function header(tokens: readonly string[], margin: number): readonly string[] {
  const open = tokens.indexOf("(");
  const words = tokens.slice(0, open < 0 ? -1 : open).join(" ");
  if (open < 0) return [`${words}:`];
  const close = tokens.lastIndexOf(")");
  return lines([words, given("(", parseItems(tokens.slice(open + 1, close)), ")"), ":"], margin);
}

/** `from a.b import c, d`: each on a line of its own if they do not fit on one. */
function imports(tokens: readonly string[], margin: number): readonly string[] {
  const at = tokens.indexOf("import");
  const from = `from ${tokens.slice(1, at).join("")} import `;
  const text = tokens.slice(at + 1).join(" ");
  const names = text.replace(/^\( ?| ?,? ?\)$/g, "").split(/ ?, ?/);
  const doc = [
    from,
    group([
      ifBroken("("),
      indent([softline, join([",", line], names), ifBroken(",")]),
      softline,
      ifBroken(")"),
    ]),
  ];
  return lines(doc, margin);
}

/** A statement of an expression, with what stands before and behind it. */
function expressionLines(
  prefix: string,
  tokens: readonly string[],
  suffix: string,
  margin: number,
): readonly string[] {
  const expression = withoutParentheses(parseExpression(tokens));
  const plain = [prefix, document(expression, false), suffix];
  const flat = flatText(plain);
  if (isFlat(plain) && margin + flat.length <= WIDTH) return [flat];
  if (expression.kind === "tuple") {
    const items = collection("()", { list: expression.items, comma: false });
    return lines([prefix, items, suffix], margin);
  }
  const broken = lines(plain, margin);
  const wrapped = (): readonly string[] => {
    const inner = ["(", indent([softline, inside(expression)]), softline, ")"];
    return lines([prefix, group(inner, true), suffix], margin);
  };
  const fits = (found: readonly string[]): boolean =>
    found.every((each, at) => each.length + (at === 0 ? margin : 0) <= WIDTH);
  switch (breaking(expression)) {
    case "itself":
      return broken;
    case "where it fits":
      return !fits(broken.slice(0, 1)) && fits(wrapped()) ? wrapped() : broken;
    case "operators":
      return isSplitByBrackets(expression) && fits(broken) ? broken : wrapped();
  }
}

/** Parentheses around all of a statement's expression say nothing. */
function withoutParentheses(expression: Expression): Expression {
  return expression.kind === "parentheses" ? withoutParentheses(expression.inner) : expression;
}

/** How an expression that is too long is broken: in brackets of its own, or in some that are put around it. */
function breaking(expression: Expression): "itself" | "where it fits" | "operators" {
  switch (expression.kind) {
    case "attribute":
    case "call":
    case "subscript": {
      const whole = chainOf(expression);
      if (isFluent(whole)) return "operators";
      return whole.first.kind === "parentheses" ? "itself" : breaking(whole.first);
    }
    case "atom":
      return "where it fits";
    case "unary":
      return expression.of.kind === "parentheses" ? "itself" : "operators";
    case "operators":
    case "choice":
    case "lambda":
      return "operators";
    default:
      return "itself";
  }
}

/**
 * Whether brackets inside of an expression may be broken instead of putting some around it: those at its begin or end, beside one
 * operator.
 */
function isSplitByBrackets(expression: Expression): boolean {
  if (expression.kind === "unary") return hasBrackets(expression.of);
  if (expression.kind !== "operators") return expression.kind === "lambda";
  const levels = expression.operators.map(levelOf);
  const least = smallest(levels);
  if (levels.filter((level) => level === least).length > 1) return false;
  const [begin, end] = [expression.operands[0]!, expression.operands.at(-1)!];
  return isBracketed(begin) || (end.kind === "call" && end.items.list.length > 0) || isBracketed(end);
}

const hasBrackets = (expression: Expression): boolean =>
  ["call", "subscript", "parentheses", "collection", "comprehension"].includes(expression.kind) ||
  (expression.kind === "attribute" && hasBrackets(expression.of));

const isBracketed = (expression: Expression): boolean =>
  expression.kind === "parentheses" ||
  expression.kind === "comprehension" ||
  (expression.kind === "collection" && expression.items.list.length > 0);
