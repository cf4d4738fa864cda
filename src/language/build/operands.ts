import type { Node } from "ohm-js";
import { spanText } from "../../support/source.ts";
import type { Expression, Group, List, MadeList, NumberLiteral, Text } from "../ast/expressions.ts";
import * as errors from "../errors/tree.ts";
import { buildCall, buildChain } from "./chains.ts";
import { items, optional, spanOf, type Context } from "./context.ts";
import { buildExpression } from "./expressions.ts";
import { buildName } from "./names.ts";

/** What stands between operators. */
export function buildOperand(context: Context, node: Node): Expression {
  switch (node.ctorName) {
    case "number":
      return buildNumber(context, node);
    case "text":
      return buildText(context, node);
    case "List":
      return buildList(context, node.child(0));
    case "Group":
      return buildGroup(context, node);
    default:
      return buildCall(context, node);
  }
}

function buildNumber(context: Context, node: Node): NumberLiteral {
  const span = spanOf(context, node);
  const value = Number(node.sourceString);
  const whole = /^\d+$/.test(node.sourceString);
  if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value)))
    context.report.add(errors.numberTooLarge(span));
  else if (value === 0 && /[1-9]/.test(node.sourceString.split(/e/i)[0]!))
    context.report.add(errors.numberTooSmall(span));
  return { kind: "number", span, value, whole };
}

/** `"plain {hole} \" escape"`; neighbouring plain parts and escapes become one string. */
export function buildText(context: Context, node: Node): Text {
  const parts: (string | Expression)[] = [];
  for (const part of node.child(1).children) {
    const built = buildTextPart(context, part);
    const last = parts.at(-1);
    if (typeof built === "string" && typeof last === "string") parts[parts.length - 1] = last + built;
    else parts.push(built);
  }
  return { kind: "text", span: spanOf(context, node), parts };
}

const escapes: Readonly<Record<string, string>> = { "\\n": "\n", '\\"': '"', "\\\\": "\\", "\\{": "{" };

function buildTextPart(context: Context, node: Node): string | Expression {
  if (node.ctorName === "hole") return buildExpression(context, node.child(2).child(0));
  if (node.ctorName === "plain") return node.sourceString;
  const span = spanOf(context, node);
  const character = escapes[spanText(span)];
  if (character === undefined) context.report.add(errors.unknownEscape(span, spanText(span)));
  return character ?? "";
}

const buildList = (context: Context, node: Node): List | MadeList =>
  node.ctorName === "List_made"
    ? buildMadeList(context, node)
    : {
        kind: "list",
        span: spanOf(context, node),
        items: items(node.child(1)).map((item) => buildExpression(context, item)),
      };

function buildMadeList(context: Context, node: Node): MadeList {
  const count = buildExpression(context, node.child(5));
  const rangeEnd = optional(node.child(6));
  return {
    kind: "made_list",
    span: spanOf(context, node),
    item: buildExpression(context, node.child(1)),
    index: buildName(context, node.child(3), "an index"),
    first: rangeEnd === undefined ? undefined : count,
    end: rangeEnd === undefined ? count : buildExpression(context, rangeEnd.child(1)),
  };
}

export function buildGroup(context: Context, node: Node): Group {
  const chains = items(node.child(1)).map((chain) => buildChain(context, chain));
  const trailing = optional(node.child(1).child(1)) !== undefined;
  return {
    kind: "group",
    span: spanOf(context, node),
    chains,
    tuple: chains.length > 1 || trailing,
  };
}
