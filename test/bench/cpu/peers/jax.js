// jax-js on its WebAssembly backend: a row's graph under jit, with the library's own softmax, gelu, norm and attention.
import { serve } from "./serve.js";
import { readTensors } from "./tensors.js";

// Node 20 has none, and the library asks it for a GPU.
globalThis.navigator ??= {};
const jax = await import("@jax-js/jax");
const { numpy: np, nn } = jax;
await jax.init("wasm");
jax.defaultDevice("wasm");

const affine = (x, weight, bias) => {
  const scaled = weight === undefined ? x : x.mul(weight);
  return bias === undefined ? scaled : scaled.add(bias);
};

/** Each op of the rows: operands by name, attributes, the shape of the result. What is given is used up. */
const ops = {
  add: ({ x, y }) => x.add(y),
  mul: ({ x, y }) => x.mul(y),
  relu: ({ x }) => nn.relu(x),
  silu: ({ x }) => nn.silu(x),
  gelu: ({ x }) => nn.gelu(x, { approximate: false }),
  gelu_tanh: ({ x }) => nn.gelu(x, { approximate: true }),
  softmax: ({ x }) => nn.softmax(x, -1),
  embedding: ({ table, ids }) => np.take(table, ids, 0),
  iota: (_, __, [size]) => np.arange(size).astype(np.int32),
  reshape: ({ x }, _, shape) => x.reshape(shape),
  permute: ({ x }, { axes }) => x.transpose(axes),
  slice: ({ x }, { axis, start }, shape) =>
    x.slice(...shape.map((size, at) => (at === axis ? [start, start + size] : []))),
  linear: ({ x, weight, bias }, { layout }) =>
    affine(np.matmul(x, layout === "out_in" ? weight.transpose() : weight), undefined, bias),
  layer_norm: ({ x, weight, bias }, { eps }) => affine(nn.standardize(x, -1, { epsilon: eps }), weight, bias),
  rms_norm: ({ x, weight }, { eps }) => {
    const mean = np.mean(np.square(x.ref), -1, { keepdims: true });
    return affine(x.mul(np.reciprocal(np.sqrt(mean.add(eps)))), weight);
  },
  batch_norm: ({ x, mean, variance, weight, bias }, { eps }) =>
    affine(x.sub(mean).mul(np.reciprocal(np.sqrt(variance.add(eps)))), weight, bias),
  attend: ({ q, k, v, mask }, { scale, causal }) =>
    nn.dotProductAttention(q, k, v, { isCausal: causal, scale, ...(mask === undefined ? {} : { mask }) }),
  rope: ({ x }, { theta }, [, T, , K]) => {
    const half = K / 2;
    const [cos, sin] = ["cos", "sin"].map((part) =>
      np
        .array(
          Float32Array.from({ length: T * half }, (_, at) =>
            Math[part](Math.floor(at / half) * theta ** (-(at % half) / half)),
          ),
        )
        .reshape([T, 1, half]),
    );
    const [low, high] = np.split(x, 2, -1);
    return np.concatenate(
      [low.ref.mul(cos.ref).sub(high.ref.mul(sin.ref)), high.mul(cos).add(low.mul(sin))],
      -1,
    );
  },
};

await serve(async ({ weights }) => {
  const known = Object.entries(readTensors(weights)).map(([name, { data, shape }]) => [
    `weight ${name}`,
    np.array(data).reshape(shape),
  ]);
  return {
    prepare: (row) => {
      const dtypes = { f32: np.float32, i32: np.int32, bool: np.bool };
      const inputs = row.inputs.map(({ name, dtype }) => {
        const { data, shape } = readTensors(row.file)[name];
        const array = np.array(data).reshape(shape);
        return [`input ${name}`, dtype === "bool" ? array.astype(dtypes.bool) : array];
      });
      const given = Object.fromEntries([...known, ...inputs]);
      const run = jax.jit((values) => evaluate(row.graph, values));
      return async () => run(jax.tree.ref(given)).data();
    },
  };
});

/** Every reader but the last takes a reference of its own. */
function evaluate({ nodes, output }, given) {
  const values = new Map(Object.entries(given));
  for (const { op, operands, attrs, result, shape } of nodes) {
    const taken = Object.fromEntries(
      Object.entries(operands).map(([name, value]) => [name, values.get(value).ref]),
    );
    values.set(result, ops[op](taken, attrs, shape));
  }
  return values.get(output);
}
