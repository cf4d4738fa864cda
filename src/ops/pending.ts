import { Mismatch } from "./define.ts";
export const pendingInfer = (): Mismatch => new Mismatch("", "pending");
export const pendingEvaluate = (): never => {
  throw new Error("pending");
};
