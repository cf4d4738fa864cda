import type { KernelOp } from "../../kernels/contracts.ts";
import type { Panels } from "../../kernels/panels.ts";
import { portableTarget, wordStorage, type Target } from "../../kernels/target.ts";
import { packedForm } from "./packed/layout.ts";
import { PANEL } from "./products/tile.ts";

/** Ops that read codes in groups of rows. */
const packedOps: ReadonlySet<KernelOp> = new Set([
  "packed_linear",
  "packed_routed_linear",
  "packed_embedding",
  "dequantize",
]);

/** Rows of a matrix that is known at load, so many side by side. */
const rowPanels = (width: number): Panels => ({ kind: "panels", axis: 0, width, atLoadOnly: true });

/** What plans for WebAssembly are made for: products read the weights of a model in panels, which are made once, at load. */
export const wasmTarget: Target = {
  name: "wasm",
  limits: portableTarget.limits,
  activations: "int8",
  halves: { table: rowPanels(1), shared: rowPanels(PANEL) },
  formOf: ({ op, attrs }, operand) => {
    if (packedOps.has(op)) return packedForm(operand);
    return op === "linear_epilogue" && operand === "weight"
      ? { ...rowPanels(PANEL), axis: attrs["layout"] === "in_out" ? 1 : 0 }
      : undefined;
  },
  storageOf: wordStorage,
};
