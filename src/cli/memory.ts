import v8 from "node:v8";
import { forgetMatches } from "../language/grammar.ts";

/**
 * What a compilation needed is let go, and from now on V8 gives back what is garbage rather than keep its pages for more of it: a
 * compiler leaves a hundred megabytes of such, and the weights that come next need them.
 */
export const keepMemorySmall = (): void => {
  forgetMatches();
  v8.setFlagsFromString("--optimize-for-size");
};
