import type { AllowStatement, Body, Definition } from "../../language/ast.ts";
import type { Name } from "../../language/ast/expressions.ts";
import { bodiesOf, statementsOf } from "../../language/statements.ts";
import type { Span } from "../../support/source.ts";

/** A lint that a file silences, and the statement or definition within which it does. */
export interface Silence {
  readonly name: Name;
  readonly reach: Span;
  readonly definition: Definition;
}

/** The silences of the `allow` statements that were met, of lints that there are. */
export function silencesOf(
  allowed: ReadonlyMap<AllowStatement, Definition>,
  lints: readonly string[],
): readonly Silence[] {
  const reaches = new Map<AllowStatement, Span>();
  for (const definition of new Set(allowed.values())) addReaches(definition.body, definition.span, reaches);
  return [...allowed].flatMap(([statement, definition]) =>
    statement.lints.flatMap((name): Silence[] =>
      lints.includes(name.text) ? [{ name, reach: reaches.get(statement)!, definition }] : [],
    ),
  );
}

/** The `allow` statements of a definition, met or not: a block that nothing calls may say that this is meant. */
export const allowsIn = (definition: Definition): ReadonlyMap<AllowStatement, Definition> =>
  new Map(
    statementsOf(definition.body).flatMap((statement) =>
      statement.kind === "allow" ? [[statement, definition] as const] : [],
    ),
  );

/** An `allow` reaches as far as the statement in whose braces it stands; an `if` is seen through. */
function addReaches(body: Body, around: Span, reaches: Map<AllowStatement, Span>): void {
  for (const statement of body.statements) {
    if (statement.kind === "allow") reaches.set(statement, around);
    const reach = statement.kind === "if" ? around : statement.span;
    for (const inner of bodiesOf(statement)) addReaches(inner, reach, reaches);
  }
}

/** True if one of the places lies within the silence's reach. */
export const covers = ({ reach }: Silence, places: readonly Span[]): boolean =>
  places.some(
    ({ source, start, end }) => source === reach.source && reach.start <= start && end <= reach.end,
  );
