import type { Node } from "ohm-js";
import type { Clause } from "../ast.ts";
import { buildChain, buildLayer, buildPlace } from "./chains.ts";
import { optional, spanOf, type Context } from "./context.ts";
import { buildExpression } from "./expressions.ts";
import { buildWord } from "./names.ts";
import { buildGroup } from "./operands.ts";

/** A clause of a residual edge. */
export function buildClause(context: Context, node: Node): Clause {
  const span = spanOf(context, node);
  switch (node.ctorName) {
    case "Clause_from": {
      const value = node.child(1);
      const isGroup = value.ctorName === "Group";
      return { kind: "from", span, value: isGroup ? buildGroup(context, value) : buildPlace(context, value) };
    }
    case "Clause_skip":
      return { kind: "skip", span, gain: buildChain(context, node.child(1)) };
    case "Clause_branch":
      return { kind: "branch", span, gain: buildChain(context, node.child(1)) };
    case "Clause_init":
      return { kind: "init", span, factor: buildExpression(context, node.child(1)) };
    default: {
      const position = buildWord(context, node.child(0));
      const gain = optional(node.child(2));
      return {
        kind: "norm",
        span,
        position,
        layer: buildLayer(context, node.child(1)),
        gain: gain && context.operand(context, gain.child(1).child(0)),
      };
    }
  }
}
