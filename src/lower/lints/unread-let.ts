import type { Body, LetStatement } from "../../language/ast.ts";
import { withoutStatement } from "../../language/mends.ts";
import { bodiesOf } from "../../language/statements.ts";
import type { Lint } from "./lint.ts";

/** A `let` whose name stands nowhere else in its definition, or only where another `let` of that name stands for it. */
export const unreadLet: Lint = {
  code: "W308",
  find: ({ module, reads }) =>
    [...module.own.values()].flatMap((definition) => {
      const lets = letsIn(definition.body);
      return lets
        .filter(({ statement: { name, span } }) => {
          const later = lets.filter(
            (other) => other.statement.name.text === name.text && other.statement.span.start > span.start,
          );
          const places = reads(definition).get(name.text) ?? [];
          return places.every((place) => later.some((other) => hides(other, place)));
        })
        .map(({ statement: { name, span } }) => ({
          spans: [name.span],
          message: `nothing reads \`${name.text}\``,
          help: "leave the `let` out",
          fix: [withoutStatement(span)],
        }));
    }),
};

/** A `let` and the body in which it stands. */
interface PlacedLet {
  readonly statement: LetStatement;
  readonly body: Body;
}

const letsIn = (body: Body): readonly PlacedLet[] =>
  body.statements.flatMap((statement) =>
    statement.kind === "let" ? [{ statement, body }] : bodiesOf(statement).flatMap(letsIn),
  );

/** What follows a `let` in its body runs only after it, and so reads no earlier one. */
const hides = ({ statement, body }: PlacedLet, place: number): boolean =>
  place >= statement.span.end && place < body.span.end;
