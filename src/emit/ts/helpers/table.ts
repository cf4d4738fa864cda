import type { Helper } from "../../module/helpers.ts";
import { mathHelpers } from "./math.ts";
import { productHelpers } from "./product.ts";
import { trainingHelpers } from "./training.ts";

/** In the order in which a module has them. */
export const helpers = { ...mathHelpers, ...productHelpers, ...trainingHelpers } as const satisfies Readonly<
  Record<string, Helper>
>;

export type HelperName = keyof typeof helpers;
