import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgpu";

/** The same layers in tfjs ops; its fused.matMul takes the bias along. */
export async function open({ weights, sizes: { B, T, dim, heads, depth } }) {
  await tf.setBackend("webgpu");
  await tf.ready();
  if (tf.getBackend() !== "webgpu") throw new Error("tfjs does not run on WebGPU");
  const w = Object.fromEntries(
    Object.entries(weights).map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]),
  );
  const mask = tf.tensor(
    Float32Array.from({ length: T * T }, (_, at) => (at % T > Math.floor(at / T) ? -1e9 : 0)),
    [T, T],
  );
  const linear = (x, name) => tf.fused.matMul({ a: x, b: w[`${name}.weight`], bias: w[`${name}.bias`] });
  const norm = (x, name) => {
    const { mean, variance } = tf.moments(x, -1, true);
    const normed = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
    return tf.add(tf.mul(normed, w[`${name}.weight`]), w[`${name}.bias`]);
  };
  const gelu = (x) => {
    const inner = tf.mul(tf.add(x, tf.mul(tf.mul(x, tf.mul(x, x)), 0.044715)), Math.sqrt(2 / Math.PI));
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
  };
  const split = (x) => tf.transpose(tf.reshape(x, [B, T, heads, dim / heads]), [0, 2, 1, 3]);
  const layers = (data) => {
    let x = tf.tensor(data, [B * T, dim]);
    for (let layer = 0; layer < depth; layer++) {
      const h = `h.${layer}`;
      const [q, k, v] = tf.split(linear(norm(x, `${h}.ln_1`), `${h}.attn.c_attn`), 3, 1).map(split);
      const scores = tf.mul(tf.matMul(q, k, false, true), Math.sqrt(heads / dim));
      const heard = tf.matMul(tf.softmax(tf.add(scores, mask)), v);
      const merged = tf.reshape(tf.transpose(heard, [0, 2, 1, 3]), [B * T, dim]);
      x = tf.add(x, linear(merged, `${h}.attn.c_proj`));
      x = tf.add(x, linear(gelu(linear(norm(x, `${h}.ln_2`), `${h}.mlp.c_fc`)), `${h}.mlp.c_proj`));
    }
    return x;
  };
  return async (data) => {
    const y = tf.tidy(() => layers(data));
    const result = await y.data();
    y.dispose();
    return result;
  };
}
