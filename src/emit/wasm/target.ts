import { portableTarget, wordStorage, type Target } from "../../kernels/target.ts";
import { packedForm } from "./packed/layout.ts";
import { PANEL } from "./products/tile.ts";

/** What plans for WebAssembly are made for: products read the weights of a model in panels, which are made once, at load. */
export const wasmTarget: Target = {
  name: "wasm",
  limits: portableTarget.limits,
  activations: "int8",
  formOf: ({ op, attrs }, operand) => {
    if (op === "packed_linear" || op === "packed_embedding" || op === "dequantize")
      return packedForm(operand);
    return op === "linear_epilogue" && operand === "weight"
      ? { kind: "panels", axis: attrs["layout"] === "in_out" ? 1 : 0, width: PANEL, atLoadOnly: true }
      : undefined;
  },
  storageOf: wordStorage,
};
