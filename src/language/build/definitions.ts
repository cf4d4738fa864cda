import type { Node } from "ohm-js";
import { listWords, nearest } from "../../support/text.ts";
import type * as ast from "../ast.ts";
import type { Name } from "../ast/expressions.ts";
import * as errors from "../errors/tree.ts";
import { parameterKinds } from "../words.ts";
import { bodyOf, items, optional, spanOf, type Builder, type Context } from "./context.ts";
import { buildDefault } from "./expressions.ts";
import { buildName, buildWord } from "./names.ts";
import { buildText } from "./operands.ts";

/** What stands at the top of a file: a `use`, or a definition. */
export const buildTopLevel: Builder<ast.Use | ast.Definition> = (context, top) => {
  const node = top.child(0);
  const span = spanOf(context, node);
  if (node.ctorName === "Use") {
    const path = buildText(context, node.child(1));
    if (path.parts.some((part) => typeof part !== "string")) context.report.add(errors.holeInPath(path.span));
    return { span, path };
  }
  const kind = node.child(0).sourceString === "model" ? "model" : "block";
  const parameters = optional(node.child(2));
  return {
    span,
    kind,
    name: buildName(context, node.child(1), `a ${kind}`),
    parameters:
      parameters === undefined
        ? []
        : items(parameters.child(1)).map((parameter) => buildParameter(context, parameter)),
    body: bodyOf(context, node.child(3)),
  };
};

function buildParameter(context: Context, node: Node): ast.ParameterDeclaration {
  const words = optional(node.child(2));
  const kind = words === undefined ? [] : items(words).map((word) => buildWord(context, word));
  const [only] = kind;
  if (kind.length === 1 && only !== undefined) checkKind(context, only);
  return {
    span: spanOf(context, node),
    name: buildName(context, node.child(0), "a parameter"),
    kind,
    default: buildDefault(context, node.child(4)),
  };
}

const otherKinds: Readonly<Record<string, string>> = {
  integer: "int",
  number: "float",
  boolean: "bool",
  string: "text",
  str: "text",
  array: "list",
  tensor: "layer",
  type: "dtype",
};

function checkKind(context: Context, kind: Name): void {
  if ((parameterKinds as readonly string[]).includes(kind.text)) return;
  const near = otherKinds[kind.text.toLowerCase()] ?? nearest(kind.text, parameterKinds);
  context.report.add(errors.unknownKind(kind.span, kind.text, listWords(parameterKinds), near));
}
