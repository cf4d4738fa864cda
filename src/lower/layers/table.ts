import { attentionLayers } from "./attention.ts";
import type { AnyLayerRecord } from "./define.ts";
import { elementwiseLayers } from "./elementwise.ts";
import { linearLayers } from "./linear.ts";
import { lossLayers } from "./loss.ts";
import { normLayers } from "./norm.ts";
import { pieceLayers } from "./pieces.ts";
import { reduceLayers } from "./reduce.ts";
import { ropeLayers } from "./rope.ts";
import { routedLayers } from "./routed.ts";
import { shapeLayers } from "./shape.ts";

/** Every layer that is no block, by its name in `.lmg`. `same(LABEL)` is a layer of its own kind. */
export const layerRecords: Readonly<Record<string, AnyLayerRecord>> = {
  ...linearLayers,
  ...normLayers,
  ...elementwiseLayers,
  ...attentionLayers,
  ...ropeLayers,
  ...routedLayers,
  ...pieceLayers,
  ...shapeLayers,
  ...reduceLayers,
  ...lossLayers,
};
