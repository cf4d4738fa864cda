import { ROW_UNIT, type QuantizedForm } from "../tensor/quantized.ts";

/** The forms that matrices of floats are given. */
export const int8Form: QuantizedForm = { bits: 8, block: ROW_UNIT, hasMinimums: false };
export const int4Form: QuantizedForm = { bits: 4, block: ROW_UNIT, hasMinimums: true };
