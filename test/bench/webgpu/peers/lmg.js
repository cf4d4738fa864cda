import { createModel, requiredFeatures } from "model";

/** The module that lmg emitted. */
export async function open({ weights, sizes: { B, T, dim } }) {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice({ requiredFeatures });
  const model = await createModel(device, weights);
  return async (x) => (await model.run({ x: { data: x, shape: [B, T, dim] } })).y.data;
}
