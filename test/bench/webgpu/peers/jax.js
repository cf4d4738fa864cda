import * as jax from "@jax-js/jax";

/** The same layers under jit, with the library's own softmax, gelu, standardize and attention. */
export async function open({ weights, sizes: { B, T, dim, heads, depth } }) {
  await jax.init("webgpu");
  jax.defaultDevice("webgpu");
  const np = jax.numpy;
  const w = {};
  for (const [name, { data, shape }] of Object.entries(weights)) w[name] = np.array(data).reshape(shape);
  const linear = (w, x, name) => np.matmul(x, w[`${name}.weight`]).add(w[`${name}.bias`]);
  const norm = (w, x, name) =>
    jax.nn.standardize(x, -1, { epsilon: 1e-5 }).mul(w[`${name}.weight`]).add(w[`${name}.bias`]);
  const layers = jax.jit((w, x) => {
    for (let layer = 0; layer < depth; layer++) {
      const h = `h.${layer}`;
      const qkv = linear(w, norm(w, x.ref, `${h}.ln_1`), `${h}.attn.c_attn`);
      const [q, k, v] = np.split(qkv, 3, -1).map((part) => part.reshape([B, T, heads, dim / heads]));
      const heard = jax.nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([B, T, dim]);
      x = x.add(linear(w, heard, `${h}.attn.c_proj`));
      const hidden = jax.nn.gelu(linear(w, norm(w, x.ref, `${h}.ln_2`), `${h}.mlp.c_fc`), {
        approximate: true,
      });
      x = x.add(linear(w, hidden, `${h}.mlp.c_proj`));
    }
    return x;
  });
  return async (data) => {
    const y = layers(jax.tree.ref(w), np.array(data).reshape([B, T, dim]));
    return y.data();
  };
}
