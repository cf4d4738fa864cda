import { portableTarget, type Target } from "../../src/kernels/target.ts";
import type { Panels } from "../../src/kernels/panels.ts";

/** A target whose products read weights in panels of four. */
const inPanels = (atLoadOnly: boolean): Target => ({
  ...portableTarget,
  name: "panels",
  formOf: ({ op, attrs }, operand): Panels | undefined =>
    op === "linear_epilogue" && operand === "weight"
      ? { kind: "panels", axis: attrs["layout"] === "in_out" ? 1 : 0, width: 4, atLoadOnly }
      : undefined,
});

export const panels = inPanels(false);
export const panelsAtLoad = inPanels(true);
