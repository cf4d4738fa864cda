import { smallest } from "../../support/lists.ts";
import { flatText, group, ifBroken, indent, join, line, softline, type Doc } from "./document.ts";
import { levelOf, type Clause, type Expression, type Items } from "./parse.ts";

/* Expressions as documents. Inside of brackets operators and dots may begin a line, outside of them not. */

/** An expression in brackets of its surroundings, where its lines may be broken. */
export const inside = (expression: Expression): Doc => document(expression, true);

export function document(expression: Expression, breaks: boolean): Doc {
  switch (expression.kind) {
    case "atom":
      return expression.text;
    case "attribute":
    case "call":
    case "subscript":
      return chain(expression, breaks);
    case "collection":
      return collection(expression.brackets, expression.items);
    case "parentheses":
      return bracketed("(", inside(expression.inner), ")");
    case "comprehension":
      return comprehension(expression.brackets, expression.element, expression.clauses);
    case "operators":
      return operators(expression.operands, expression.operators, breaks);
    case "unary":
      return [expression.operator, negated(expression.of, breaks)];
    case "choice":
      return choice(expression, breaks);
    case "lambda":
      return lambda(expression);
    case "named":
      return [expression.before, document(expression.of, breaks)];
    case "pair":
      return group([inside(expression.key), ": ", inside(expression.of)]);
    case "slice":
      return slice(expression.parts);
    case "tuple":
      return join(
        ", ",
        expression.items.map((item) => document(item, breaks)),
      );
  }
}

export const bracketed = (open: string, inner: Doc, close: string): Doc =>
  group([open, indent([softline, inner]), softline, close]);

export function collection(brackets: string, { list, comma }: Items): Doc {
  if (list.length === 0) return brackets;
  const items = join([",", line], list.map(inside));
  const isOneTuple = brackets === "()" && list.length === 1;
  const inner = [items, isOneTuple ? "," : ifBroken(",")];
  return group([brackets[0]!, indent([softline, inner]), softline, brackets[1]!], comma && !isOneTuple);
}

/** The items of a call, on one line of their own if they fit there. */
export function given(open: string, { list, comma }: Items, close: string): Doc {
  if (list.length === 0) return open + close;
  const only = list.length === 1 ? list[0]! : undefined;
  if (only?.kind === "comprehension" && only.brackets === "")
    return comprehension(open + close, only.element, only.clauses);
  return bracketed(open, group([join([",", line], list.map(inside)), ifBroken(",")], comma), close);
}

function subscripts({ list, comma }: Items): Doc {
  if (list.length === 1) return bracketed("[", [inside(list[0]!), comma ? "," : ""], "]");
  return collection("[]", { list, comma });
}

function comprehension(brackets: string, element: Expression, clauses: readonly Clause[]): Doc {
  const parts = clauses.map(({ word, targets, of }) =>
    group(word === "for" ? ["for ", targets, " in ", inside(of)] : ["if ", inside(of)]),
  );
  return bracketed(brackets[0]!, group(join(line, [group(inside(element)), ...parts])), brackets[1]!);
}

/** Those that bind least begin lines; what binds more tightly between them is a group. */
function operators(operands: readonly Expression[], signs: readonly string[], breaks: boolean): Doc {
  const least = smallest(signs.map(levelOf));
  const parts: Doc[] = [];
  let start = 0;
  const part = (end: number): Doc =>
    end === start
      ? document(operands[start]!, breaks)
      : operators(operands.slice(start, end + 1), signs.slice(start, end), breaks);
  for (const [at, sign] of signs.entries()) {
    if (levelOf(sign) !== least) continue;
    parts.push(part(at));
    start = at + 1;
    if (sign === "**" && isSimple(operands[at]!) && isSimple(operands[at + 1]!)) parts.push(sign);
    else parts.push(breaks ? line : " ", sign, " ");
  }
  parts.push(part(operands.length - 1));
  return breaks ? group(parts) : parts;
}

/** A power is in parentheses, which it binds as if it were. */
const negated = (of: Expression, breaks: boolean): Doc =>
  of.kind === "operators" && of.operators[0] === "**"
    ? bracketed("(", inside(of), ")")
    : document(of, breaks);

/** What a power has no spaces beside: names, numbers, attributes of names. */
function isSimple(expression: Expression): boolean {
  if (expression.kind === "atom") return !/["']/.test(expression.text);
  if (expression.kind === "attribute")
    return isSimple(expression.of) && !/^\d/.test(flatText(inside(expression.of)));
  return expression.kind === "unary" && expression.operator !== "not " && isSimple(expression.of);
}

/** All alternatives of a chain are broken, or none. */
function choice(expression: Choice, breaks: boolean): Doc {
  const space = breaks ? line : " ";
  const parts: Doc[] = [];
  let last: Expression = expression;
  for (; last.kind === "choice"; last = last.otherwise)
    parts.push(document(last.then, breaks), space, "if ", document(last.condition, breaks), space, "else ");
  parts.push(document(last, breaks));
  return breaks ? group(parts) : parts;
}

/** A body that has no brackets of its own is put into some where it is broken. */
function lambda({ parameters, body }: Expression & { readonly kind: "lambda" }): Doc {
  const head = `lambda${parameters === "" ? "" : " "}${parameters}: `;
  const isOpen = body.kind === "operators" || body.kind === "choice";
  if (!isOpen) return [head, document(body, false)];
  return [head, group([ifBroken("("), indent([softline, inside(body)]), softline, ifBroken(")")])];
}

function slice(parts: readonly (Expression | undefined)[]): Doc {
  const isPlain = parts.every((part) => part === undefined || isBound(part));
  return parts.map((part, at) => {
    const before = at === 0 ? "" : `:${part !== undefined && !isPlain ? " " : ""}`;
    const after = at < parts.length - 1 && part !== undefined && !isPlain ? " " : "";
    return [before, part === undefined ? "" : inside(part), after];
  });
}

/** Beside which a colon has no spaces: a name or a number. */
const isBound = (expression: Expression): boolean =>
  expression.kind === "atom" ||
  (expression.kind === "unary" && expression.operator !== "not " && expression.of.kind === "atom");

type Choice = Expression & { readonly kind: "choice" };

/** The parts of `a.b(c).d[e]`, which begins with what is no part of one. */
interface Chain {
  readonly first: Expression;
  readonly links: readonly Link[];
}

type Link = Expression & { readonly kind: "attribute" | "call" | "subscript" };

export function chainOf(expression: Expression): Chain {
  const links: Link[] = [];
  let first = expression;
  for (; first.kind === "attribute" || first.kind === "call" || first.kind === "subscript"; first = first.of)
    links.push(first);
  return { first, links: links.reverse() };
}

/** Whether dots of a chain begin lines: where two follow calls or subscripts. */
export function isFluent({ first, links }: Chain): boolean {
  let [found, isAfter] = [0, first.kind === "parentheses"];
  for (const { kind } of links) {
    if (kind === "attribute" && isAfter) found++;
    isAfter = kind !== "attribute";
  }
  return found >= 2;
}

function chain(expression: Link, breaks: boolean): Doc {
  const whole = chainOf(expression);
  const fluent = breaks && isFluent(whole);
  const parts: Doc[] = [document(whole.first, breaks)];
  let isAfter = whole.first.kind === "parentheses";
  for (const link of whole.links) {
    if (link.kind === "attribute") parts.push(fluent && isAfter ? softline : "", `.${link.name}`);
    else parts.push(link.kind === "call" ? given("(", link.items, ")") : subscripts(link.items));
    isAfter = link.kind !== "attribute";
  }
  return fluent ? group(parts) : parts;
}
