import { attentionOps } from "./attention.ts";
import { createOps } from "./create.ts";
import { elementwiseOps } from "./elementwise.ts";
import { NoForm } from "../graph.ts";
import type { Convert } from "./form.ts";
import { linearOps } from "./linear.ts";
import { normOps } from "./norm.ts";
import { reduceOps } from "./reduce.ts";
import { shapeOps } from "./shape.ts";

/** What is read of sizes alone, before it comes to this table. */
const ofSizes: Convert = () => {
  throw new NoForm("other than sizes");
};

/** Every op of ONNX that is imported; those of other domains behind the domain's name. */
export const onnxOps: Readonly<Record<string, Convert>> = {
  ...createOps,
  ...elementwiseOps,
  ...shapeOps,
  ...reduceOps,
  ...linearOps,
  ...normOps,
  ...attentionOps,
  ReduceProd: ofSizes,
  Shape: ofSizes,
  Size: ofSizes,
};
