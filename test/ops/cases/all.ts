import type { OpName } from "../../../src/ops/table.ts";
import type { OpCase } from "./case.ts";
import { elementwiseCases } from "./elementwise.ts";
import { gradientCases, trainingCases } from "./gradient.ts";
import { linearCases } from "./linear.ts";
import { chainCases, edgeCases, lossCases, normCases } from "./norm.ts";
import { quantizedCases } from "./quantized.ts";
import { reduceCases } from "./reduce.ts";
import { createCases, shapeCases, stateCases } from "./shape.ts";

/** Cases for every op. The type of each part demands a case for each of its ops; a test compares the whole with the table. */
export const opCases = {
  ...createCases,
  ...shapeCases,
  ...stateCases,
  ...elementwiseCases,
  ...reduceCases,
  ...linearCases,
  ...quantizedCases,
  ...normCases,
  ...lossCases,
  ...trainingCases,
  ...gradientCases,
  ...edgeCases,
  ...chainCases,
} as unknown as Readonly<Record<OpName, readonly OpCase<OpName>[]>>;
