import type { Node } from "ohm-js";
import type { Argument, Call, Chain, Layer, Path, PathPart, Step, Tap } from "../ast/expressions.ts";
import { items, optional, spanOf, type Context } from "./context.ts";
import { buildExpression } from "./expressions.ts";
import { buildLabel, buildName, buildWord } from "./names.ts";
import { buildType } from "./types.ts";

/** `head as a -> layer as b -> …` */
export function buildChain(context: Context, node: Node): Chain {
  const head = node.child(0).child(0);
  return {
    span: spanOf(context, node),
    head: head.ctorName === "Labelled" ? buildLabelled(context, head) : buildExpression(context, head),
    headTap: buildTap(context, node.child(1)),
    steps: node.child(2).children.map((step) => buildStep(context, step)),
  };
}

const buildStep = (context: Context, node: Node): Step => ({
  span: spanOf(context, node),
  layer: buildLayer(context, node.child(1)),
  tap: buildTap(context, node.child(2)),
});

/** An optional `as name: type`. */
export function buildTap(context: Context, option: Node): Tap | undefined {
  const node = optional(option);
  if (node === undefined) return undefined;
  const type = optional(node.child(3));
  return {
    span: spanOf(context, node),
    name: buildName(context, node.child(1), "a value"),
    type: type === undefined ? undefined : buildType(context, type),
  };
}

export function buildLayer(context: Context, node: Node): Layer {
  const inner = node.child(0);
  if (inner.ctorName === "Labelled") return buildLabelled(context, inner);
  return { kind: "layer", span: spanOf(context, node), label: undefined, call: buildCall(context, inner) };
}

const buildLabelled = (context: Context, node: Node): Layer => ({
  kind: "layer",
  span: spanOf(context, node),
  label: buildLabel(context, node.child(0)),
  call: buildCall(context, node.child(2)),
});

export function buildCall(context: Context, node: Node): Call {
  const given = optional(node.child(1));
  return {
    kind: "call",
    span: spanOf(context, node),
    path: buildPath(context, node.child(0)),
    arguments:
      given === undefined
        ? undefined
        : items(given.child(1)).map((argument) => buildArgument(context, argument)),
  };
}

/** A path alone, where a call may stand but arguments may not. */
export const buildPlace = (context: Context, node: Node): Call => ({
  kind: "call",
  span: spanOf(context, node),
  path: buildPath(context, node.child(0)),
  arguments: undefined,
});

function buildArgument(context: Context, node: Node): Argument {
  const name = optional(node.child(0));
  return {
    span: spanOf(context, node),
    name: name === undefined ? undefined : buildWord(context, name),
    value: buildExpression(context, node.child(2)),
  };
}

export const buildPath = (context: Context, node: Node): Path => ({
  span: spanOf(context, node),
  root: buildWord(context, node.child(0)),
  parts: node.child(1).children.map((part) => buildPathPart(context, part.child(0))),
});

function buildPathPart(context: Context, node: Node): PathPart {
  if (node.ctorName === "PathPart_field") return { kind: "field", name: buildWord(context, node.child(1)) };
  return { kind: "index", span: spanOf(context, node), value: buildExpression(context, node.child(1)) };
}
