import type { Node } from "ohm-js";
import type { Span } from "../../support/source.ts";
import type { Body, ConfigLine, Expression, TrainLine } from "../ast.ts";
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

/** The span in the file of what a node has matched. */
export const spanOf = (context: Context, node: Node): Span =>
  context.piece.span(node.source.startIdx, node.source.endIdx);

/** The node of an optional part, if it is there. */
export const optional = (node: Node): Node | undefined => node.children[0];

/** The items of a list with separators, however Ohm wraps it. */
export function items(list: Node): readonly Node[] {
  switch (list.ctorName) {
    case "ListOf":
      return items(list.child(0));
    case "NonemptyListOf":
      return [list.child(0), ...list.child(2).children];
    default:
      return [];
  }
}
