import type { Node } from "ohm-js";
import type { Span } from "../../support/source.ts";
import type { Body, ConfigLine, TrainLine } from "../ast.ts";
import type { Expression } from "../ast/expressions.ts";
import type { Piece } from "../pieces.ts";
import type { Report } from "../report.ts";

/** What the tree builder needs to know beyond the node in its hands: one is made for each statement. */
export interface Context {
  readonly piece: Piece;
  readonly report: Report;
  /** Operators on the way down to the current expression, to keep the tree's depth within bounds. */
  operators: number;
  /** Builds what stands between operators. Operands hold expressions again: this ties the knot between two files. */
  readonly operand: (context: Context, node: Node) => Expression;
  /** Parse what the statement has folded at the `{` at this offset of the piece. */
  readonly body: (at: number) => Body;
  readonly trainLines: (at: number) => readonly TrainLine[];
  readonly configLines: (at: number) => readonly ConfigLine[];
}

/** Turns a node of one rule into its part of the tree. */
export type Builder<T> = (context: Context, node: Node) => T;

/** The body that a node has folded. */
export const bodyOf: Builder<Body> = (context, node) => context.body(node.source.startIdx);

/** The span in the file of what a node has matched. */
export const spanOf = (context: Context, node: Node): Span =>
  context.piece.span(node.source.startIdx, node.source.endIdx);

/** The node of an optional part, if it is there. */
export const optional = (node: Node): Node | undefined => node.children[0];

/** The items of a list with separators, of `Several` or of an optional one of them. */
export function items(list: Node): readonly Node[] {
  if (list.ctorName === "NonemptyListOf") return [list.child(0), ...list.child(2).children];
  const [inner] = list.children;
  return inner === undefined ? [] : items(inner);
}
