import type { TorchTable } from "../site.ts";
import { attention } from "./attention.ts";
import { elementwise } from "./elementwise.ts";
import { losses } from "./losses.ts";
import { norms } from "./norms.ts";
import { products } from "./products.ts";
import { shapes } from "./shapes.ts";

/** Every op of a lowered graph as PyTorch. */
export const torchTable: TorchTable = {
  ...elementwise,
  ...shapes,
  ...products,
  ...norms,
  ...attention,
  ...losses,
};
