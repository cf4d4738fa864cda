export const pendingEvaluate = (): never => {
  throw new Error("pending");
};
