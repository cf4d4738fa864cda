import {
  allOf,
  expressionsOf,
  within,
  type Expression,
  type Load,
  type Loop,
  type Name,
  type Statement,
} from "../../loops/tree.ts";

/** A function of numbers. */
export type Apply = Extract<Expression, { kind: "apply" }>;

/** What a loop's turns divide in place by the same number: a share of a whole, of which no bit decides anything. */
export const quotientsIn = ({ body }: Loop): readonly Apply[] =>
  body.flatMap((each) => {
    if (each.kind !== "store" || each.value.kind !== "apply" || each.value.op !== "div") return [];
    const [whole, by] = each.value.args;
    return whole === each.to && by?.kind === "name" && !namesIn(body).has(by) ? [each.value] : [];
  });

/** The names that statements and those in them define. */
function namesIn(body: readonly Statement[]): Set<Expression> {
  const own = new Set<Expression>();
  for (const each of allOf(body)) {
    if (each.kind === "let" || each.kind === "total") own.add(each.name);
    if (each.kind === "loop") own.add(each.index);
  }
  return own;
}

/** The totals that statements and those in them take numbers into, but for those that begin in them. */
export function takesOf(body: readonly Statement[]): readonly Name[] {
  const inside = allOf(body);
  const own = new Set(inside.flatMap((each) => (each.kind === "total" ? [each.name] : [])));
  return inside.flatMap((each) => (each.kind === "take" && !own.has(each.total) ? [each.total] : []));
}

/** The elements that statements and those in them write. */
export const storesOf = (body: readonly Statement[]): readonly Load[] =>
  allOf(body).flatMap((each) => (each.kind === "store" ? [each.to] : []));

/** The largest parts of expressions that read none of the names: what may be computed before a loop that makes these. */
function stillParts(expression: Expression, names: ReadonlySet<Expression>): readonly Expression[] {
  if (expression.kind === "number" || expression.kind === "name") return [];
  if (!within(expression).some((part) => names.has(part))) return [expression];
  switch (expression.kind) {
    // Addresses are computed before the loop by themselves.
    case "load":
      return [];
    case "apply":
      return expression.args.flatMap((arg) => stillParts(arg, names));
    case "rounded":
      return stillParts(expression.value, names);
  }
}

/** The parts of a loop's expressions that are the same in all turns, and the names from outside that are `converted`. */
export function stillIn(loop: Loop, isConverted: (part: Expression) => boolean): readonly Expression[] {
  const own = namesIn(loop.body).add(loop.index);
  const expressions = allOf(loop.body).flatMap((each) =>
    each.kind === "store" ? [each.value] : each.kind === "loop" ? [] : expressionsOf(each),
  );
  const names = expressions.flatMap(within).filter((part) => isConverted(part) && !own.has(part));
  return [...new Set([...names, ...expressions.flatMap((each) => stillParts(each, own))])];
}
