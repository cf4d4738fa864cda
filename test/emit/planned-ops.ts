import { isScalarName } from "../../src/ops/scalar.ts";
import { hasTrait, isGraphKernel, opNames, type OpName } from "../../src/ops/table.ts";

/** What graphs may hold when they are planned: kernels and what becomes kernels, views, buffers and copies. */
export const plannedOps: readonly OpName[] = [
  ...opNames.filter(
    (op) =>
      isGraphKernel(op) ||
      isScalarName(op) ||
      (hasTrait(op, "view") && op !== "recompute") ||
      hasTrait(op, "known"),
  ),
  ...(["linear", "concat"] as const),
];
