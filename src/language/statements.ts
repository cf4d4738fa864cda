import type { Body, Statement } from "./ast.ts";

/** The bodies of a statement, those of all branches of an `if`. */
export function bodiesOf(statement: Statement): readonly Body[] {
  switch (statement.kind) {
    case "if": {
      const taken = statement.branches.map(({ body }) => body);
      return statement.otherwise === undefined ? taken : [...taken, statement.otherwise];
    }
    case "repeat":
    case "parallel":
    case "braces":
      return [statement.body];
    case "residual":
      return statement.body === undefined ? [] : [statement.body];
    default:
      return [];
  }
}

/** All statements of a body, at any depth. */
export const statementsOf = (body: Body): readonly Statement[] =>
  body.statements.flatMap((statement) => [statement, ...bodiesOf(statement).flatMap(statementsOf)]);
