import { isFloat, type Dtype } from "../../tensor/dtype.ts";

/** How a module keeps floats: 32 bits wide as checkpoints have them, or 64 where a measure may not be lost in rounding. */
export type FloatFormat = "f32" | "f64";

const arrays = { f32: "Float32Array", f64: "Float64Array" } as const;

/** The typed array that holds elements of a dtype; whole numbers have 32 bits. */
export const arrayType = (
  dtype: Dtype,
  floats: FloatFormat,
): "Float32Array" | "Float64Array" | "Int32Array" => (isFloat(dtype) ? arrays[floats] : "Int32Array");
