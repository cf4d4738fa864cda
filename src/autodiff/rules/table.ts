import type { CoreOp } from "../../ops/table.ts";
import type { VjpRule } from "../vjp.ts";
import { elementwiseRules } from "./elementwise.ts";
import { linearRules } from "./linear.ts";
import { lossRules } from "./loss.ts";
import { normRules, trainingRules } from "./norm.ts";
import { reduceRules } from "./reduce.ts";
import { createRules, shapeRules } from "./shape.ts";

/** The gradient of every op of the language: an op without an entry is a type error here. */
export const vjpRules: { readonly [K in CoreOp]: VjpRule<K> } = {
  ...createRules,
  ...shapeRules,
  ...elementwiseRules,
  ...reduceRules,
  ...linearRules,
  ...normRules,
  ...trainingRules,
  ...lossRules,
};
