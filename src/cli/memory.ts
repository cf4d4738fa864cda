import v8 from "node:v8";

/**
 * From now on V8 gives back what is garbage rather than keep its pages for more of it: a compiler leaves a hundred megabytes of
 * such, and the weights that come next need them.
 */
export const keepMemorySmall = (): void => {
  v8.setFlagsFromString("--optimize-for-size");
};
