import type { Node } from "ohm-js";
import type * as ast from "../ast.ts";
import * as errors from "../errors/tree.ts";
import { buildCall, buildChain, buildTap } from "./chains.ts";
import { buildClause } from "./clauses.ts";
import { bodyOf, items, optional, spanOf, type Builder, type Context } from "./context.ts";
import { buildDefault, buildExpression } from "./expressions.ts";
import { buildLabel, buildName, buildWord } from "./names.ts";
import { buildText } from "./operands.ts";
import { buildType } from "./types.ts";

/** Each alternative of `Statement` in the grammar. */
const builders: Readonly<Record<string, Builder<ast.Statement>>> = {
  Input: (context, node) => ({
    kind: "input",
    span: spanOf(context, node),
    name: buildName(context, node.child(1), "an input"),
    type: buildType(context, node.child(3)),
    default: buildDefault(context, node.child(5)),
  }),
  Output: (context, node) => {
    const type = optional(node.child(3));
    return {
      kind: "output",
      span: spanOf(context, node),
      name: buildName(context, node.child(1), "an output"),
      type: type === undefined ? undefined : buildType(context, type),
    };
  },
  Let: (context, node) => ({
    kind: "let",
    span: spanOf(context, node),
    name: buildName(context, node.child(1), "a value"),
    value: buildExpression(context, node.child(3)),
  }),
  Assert: buildAssert,
  Default: (context, node) => ({
    kind: "default",
    span: spanOf(context, node),
    calls: items(node.child(1)).map((call) => buildCall(context, call)),
  }),
  If: (context, node) => buildIf(context, node),
  Repeat: buildRepeat,
  Parallel: (context, node) => ({
    kind: "parallel",
    span: spanOf(context, node),
    body: bodyOf(context, node.child(1)),
    tap: buildTap(context, node.child(2)),
  }),
  Residual: buildResidual,
  Allow: (context, node) => ({
    kind: "allow",
    span: spanOf(context, node),
    lints: items(node.child(1)).map((name) => buildWord(context, name)),
  }),
  Train: (context, node) => ({
    kind: "train",
    span: spanOf(context, node),
    lines: context.trainLines(node.child(1).source.startIdx),
  }),
  Config: (context, node) => {
    const families = optional(node.child(1));
    return {
      kind: "config",
      span: spanOf(context, node),
      families:
        families === undefined ? [] : items(families.child(1)).map((family) => buildText(context, family)),
      lines: context.configLines(node.child(2).source.startIdx),
    };
  },
  Bind: buildBind,
  Line: (context, node) => ({
    kind: "chain",
    span: spanOf(context, node),
    chain: buildChain(context, node.child(0)),
  }),
  Body: (context, node) => ({ kind: "braces", span: spanOf(context, node), body: bodyOf(context, node) }),
};

export const buildStatement: Builder<ast.Statement> = (context, statement) => {
  const inner = statement.child(0);
  const node = inner.ctorName === "Worded" ? inner.child(1) : inner;
  return builders[node.ctorName]!(context, node);
};

export function buildAssert(context: Context, node: Node): ast.AssertStatement {
  return {
    kind: "assert",
    span: spanOf(context, node),
    condition: buildExpression(context, node.child(1)),
    message: buildText(context, node.child(3)),
  };
}

const buildIf: Builder<ast.IfStatement> = (context, node) => ({
  kind: "if",
  span: spanOf(context, node),
  ...buildBranches(context, node, (body) => bodyOf(context, body)),
});

/** The branches of an `if`, whatever their bodies hold. */
export function buildBranches<B>(context: Context, node: Node, bodyOf: (body: Node) => B): ast.Branches<B> {
  const branch = (condition: Node, body: Node): ast.Branches<B>["branches"][number] => ({
    condition: buildExpression(context, condition),
    body: bodyOf(body),
  });
  const otherwise = optional(node.child(4));
  return {
    branches: [
      branch(node.child(1), node.child(2)),
      ...node.child(3).children.map((elseIf) => branch(elseIf.child(2), elseIf.child(3))),
    ],
    otherwise: otherwise === undefined ? undefined : bodyOf(otherwise.child(1)),
  };
}

function buildRepeat(context: Context, node: Node): ast.RepeatStatement {
  const count = buildExpression(context, node.child(1));
  const rangeEnd = optional(node.child(2));
  const copies = node.child(4).child(0);
  const label = copies.ctorName === "Copies_labelled" ? copies.child(1) : undefined;
  const index = copies.ctorName === "Copies_indexed" ? copies.child(1) : optionalIndex(copies);
  return {
    kind: "repeat",
    span: spanOf(context, node),
    first: rangeEnd === undefined ? undefined : count,
    end: rangeEnd === undefined ? count : buildExpression(context, rangeEnd.child(1)),
    checkpoint: optional(node.child(3)) !== undefined,
    shared: copies.ctorName === "Copies_shared",
    label: label === undefined ? undefined : buildLabel(context, label),
    index: index === undefined ? undefined : buildName(context, index.child(1), "an index"),
    body: bodyOf(context, node.child(5)),
  };
}

function optionalIndex(copies: Node): Node | undefined {
  if (copies.ctorName === "Copies_plain") return undefined;
  return optional(copies.child(copies.numChildren - 1));
}

function buildResidual(context: Context, node: Node): ast.ResidualStatement {
  const clauses = items(node.child(1)).map((clause) => buildClause(context, clause.child(0)));
  const body = optional(node.child(2));
  const span = spanOf(context, node);
  if (body === undefined && !clauses.some((clause) => clause.kind === "from"))
    context.report.add(errors.emptyEdge(span));
  return {
    kind: "residual",
    span,
    clauses,
    body: body === undefined ? undefined : bodyOf(context, body),
    tap: buildTap(context, node.child(3)),
  };
}

export function buildBind(context: Context, node: Node): ast.BindStatement {
  const target = node.child(0).child(0);
  const tuple = target.ctorName === "Target_several";
  const targets = tuple ? items(target.child(1)) : [target.child(0)];
  return {
    kind: "bind",
    span: spanOf(context, node),
    targets: targets.map((name) => buildName(context, name, "a value")),
    tuple,
    chain: buildChain(context, node.child(2)),
  };
}
