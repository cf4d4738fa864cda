import type { LetStatement } from "../../language/ast.ts";
import { statementsOf } from "../../language/statements.ts";
import type { Lint } from "./lint.ts";

/** A `let` whose name stands nowhere else in its definition. */
export const unreadLet: Lint = {
  code: "W308",
  find: ({ module, reads }) =>
    [...module.own.values()].flatMap((definition) =>
      statementsOf(definition.body)
        .filter((statement): statement is LetStatement => statement.kind === "let")
        .filter(({ name }) => !reads(definition).has(name.text))
        .map(({ name }) => ({
          spans: [name.span],
          message: `nothing reads \`${name.text}\``,
          help: "leave the `let` out",
        })),
    ),
};
