import { isFloat, type Dtype } from "../../tensor/dtype.ts";

/**
 * What values of ONNX are held as where lmg meets them: every float as f32, as nearly all run times compute, whole numbers as
 * i32. A half is the f32 that it was rounded to.
 */
export type Held = "f32" | "i32" | "bool";

export const heldAs = (dtype: Dtype): Held => (dtype === "bool" ? "bool" : isFloat(dtype) ? "f32" : "i32");
