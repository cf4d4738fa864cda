import type * as ast from "../ast.ts";
import * as errors from "../errors/tree.ts";
import { trainSettings } from "../words.ts";
import { buildCall, buildChain, buildPath } from "./chains.ts";
import { items, optional, spanOf, type Builder } from "./context.ts";
import { buildExpression, buildFlat } from "./expressions.ts";
import { buildName, buildWord } from "./names.ts";
import { buildText } from "./operands.ts";
import { buildAssert, buildBind, buildBranches } from "./statements.ts";
import { buildType } from "./types.ts";

/** A line of `train { }`. */
export const buildTrainLine: Builder<ast.TrainLine> = (context, line) => {
  const node = line.child(0);
  const span = spanOf(context, node);
  switch (node.ctorName) {
    case "TrainLine_target": {
      const name = buildName(context, node.child(1), "a target");
      return { kind: "target", span, name, type: buildType(context, node.child(3)) };
    }
    case "TrainLine_setting": {
      const setting = buildWord(context, node.child(0));
      return { kind: "setting", span, setting, chain: buildChain(context, node.child(1)) };
    }
    case "TrainLine_rule":
      return {
        kind: "rule",
        span,
        setting: buildWord(context, node.child(0)),
        patterns: items(node.child(1)).map((pattern) => buildText(context, pattern)),
        value: buildExpression(context, node.child(2)),
      };
    case "TrainLine_after":
      return {
        kind: "after",
        span,
        layer: buildCall(context, node.child(2)),
        patterns: items(node.child(3)).map((pattern) => buildText(context, pattern)),
      };
    case "TrainLine_if":
      return {
        kind: "if",
        span,
        ...buildBranches(context, node, (body) => ({
          span: spanOf(context, body),
          lines: context.trainLines(body.source.startIdx),
        })),
      };
    default: {
      const bind = buildBind(context, node);
      const [name] = bind.targets;
      if (name !== undefined && (trainSettings as readonly string[]).includes(name.text))
        context.report.add(errors.settingIsBound(name.span, name.text));
      return bind;
    }
  }
};

/** A line of `config { }`. */
export const buildConfigLine: Builder<ast.ConfigLine> = (context, line) => {
  const node = line.child(0);
  if (node.ctorName === "Assert") return buildAssert(context, node);
  if (node.ctorName === "ConfigLine_neutral")
    return {
      kind: "neutral",
      span: spanOf(context, node),
      keys: items(node.child(1)).map((key) => buildNeutral(context, key)),
    };
  if (node.ctorName === "ConfigLine_like")
    return { kind: "like", span: spanOf(context, node), name: buildWord(context, node.child(1)) };
  if (node.ctorName === "ConfigLine_architecture")
    return {
      kind: "architecture",
      span: spanOf(context, node),
      names: items(node.child(1)).map((name) => buildWord(context, name)),
    };
  return {
    kind: "key",
    span: spanOf(context, node),
    name: buildWord(context, node.child(0)),
    values: items(node.child(2)).map((value) => buildFlat(context, value)),
  };
};

const buildNeutral: Builder<ast.NeutralKey> = (context, node) => {
  const values = optional(node.child(2));
  return {
    span: spanOf(context, node),
    path: buildPath(context, node.child(0)),
    values: values === undefined ? undefined : items(values).map((value) => buildFlat(context, value)),
  };
};
