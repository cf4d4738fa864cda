import type { View } from "../../../kernels/view.ts";
import type { WgslKernel } from "../kernel.ts";
import { byBias } from "./gradient-attend-bias.ts";
import { byKeys } from "./gradient-attend-keys.ts";
import { byQueries } from "./gradient-attend-queries.ts";
import { byRows } from "./gradient-attend-rows.ts";

/**
 * Some stages, none of which writes the T × T matrix of probabilities: each makes the scores it needs again (Dao et al.
 * 2022). By query rows: grad_q, and three numbers a row; by key rows: grad_k and grad_v; by elements of a bias:
 * grad_bias; of the numbers a row those that are observed. Every sum has one order, so that a step has the same bits each time.
 */
export const attend_grad: WgslKernel<"attend_grad"> = (step, context) => {
  const { bias, mask } = step.operands;
  const [ofQ, ofK, ofV, ...more] = step.results as readonly [View, View, View, ...View[]];
  const ofBias = bias === undefined ? undefined : more[0];
  const together = bias === undefined || mask === undefined;
  const stages = [
    byQueries(step, ofQ, context),
    ...(together
      ? [byKeys(step, { ofK, ofV }, 1, context)]
      : [byKeys(step, { ofK }, 1, context), byKeys(step, { ofV }, 2, context)]),
    ...(ofBias === undefined ? [] : [byBias(step, ofBias, together ? 2 : 3, context)]),
  ];
  return step.attrs.observe ? [...stages, byRows(step, more.slice(-2), stages.length, context)] : stages;
};
