import type { PlanShared } from "../../plan/plan.ts";
import type { Code } from "../../support/text.ts";
import { givenParameters } from "./joined.ts";
import type { Piece } from "./piece.ts";
import { literal, wrapped } from "./text.ts";

export const parameterTable = (plan: PlanShared): Piece => ({
  declares: ["parameters", "notNeeded"],
  code: tableLines(plan),
});

const tableLines = (plan: PlanShared): Code[] => [
  "/** The tensors that the weights must have. */",
  "export const parameters«: readonly Parameter[]» = [",
  givenParameters(plan).map(
    ({ name, shape, dtype }) =>
      `{ name: ${literal(name)}, shape: [${shape.join(", ")}], dtype: "${dtype}" },`,
  ),
  "];",
  "",
  "/** Tensors of the whole model that the outputs of this module do not need: they may be there. */",
  ...wrapped("const notNeeded«: readonly string[]» = [", plan.notNeeded.map(literal), "];"),
];
