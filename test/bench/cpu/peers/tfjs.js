// TensorFlow.js on its WebAssembly backend, which has one thread in Node: a row's graph, op by op.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";
import { serve } from "./serve.js";
import { readTensors } from "./tensors.js";

await tf.setBackend("wasm");
await tf.ready();

const rows = (x) => tf.reshape(x, [-1, x.shape.at(-1)]);
const affine = (x, weight, bias) => {
  const scaled = weight === undefined ? x : tf.mul(x, weight);
  return bias === undefined ? scaled : tf.add(scaled, bias);
};
const HIDDEN = -1e30;

/** Each op of the rows: operands by name, attributes, the shape of the result. */
const ops = {
  add: ({ x, y }) => tf.add(x, y),
  mul: ({ x, y }) => tf.mul(x, y),
  relu: ({ x }) => tf.relu(x),
  silu: ({ x }) => tf.mul(x, tf.sigmoid(x)),
  gelu: ({ x }) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  gelu_tanh: ({ x }) => {
    const inner = tf.mul(tf.add(x, tf.mul(tf.mul(x, tf.mul(x, x)), 0.044715)), Math.sqrt(2 / Math.PI));
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
  },
  softmax: ({ x }) => tf.softmax(x),
  embedding: ({ table, ids }) => tf.gather(table, ids),
  iota: (_, __, [size]) => tf.range(0, size, 1, "int32"),
  reshape: ({ x }, _, shape) => tf.reshape(x, shape),
  permute: ({ x }, { axes }) => tf.transpose(x, axes),
  slice: ({ x }, { axis, start }, shape) =>
    tf.slice(
      x,
      shape.map((_, at) => (at === axis ? start : 0)),
      shape,
    ),
  // As one product of two matrices, which it is fastest at, with the bias taken along. The weight is transposed once: beside a
  // bias, `transposeB` gives wrong numbers (4.22.0), and it is slower.
  linear: ({ x, weight, bias }, { layout }, shape) => {
    const b = layout === "in_out" ? weight : once(`transposed ${weight.id}`, () => tf.transpose(weight));
    return tf.reshape(tf.fused.matMul({ a: rows(x), b, bias }), shape);
  },
  layer_norm: ({ x, weight, bias }, { eps }) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return affine(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, eps))), weight, bias);
  },
  rms_norm: ({ x, weight }, { eps }) =>
    affine(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.mul(x, x), -1, true), eps))), weight),
  batch_norm: ({ x, mean, variance, weight, bias }, { eps }) =>
    tf.batchNorm(x, mean, variance, bias, weight, eps),
  attend: ({ q, k, v, mask }, { scale, causal }) => {
    const [queries, keys, values] = [q, k, v].map((x) => tf.transpose(x, [0, 2, 1, 3]));
    let scores = tf.mul(tf.matMul(queries, keys, false, true), scale);
    if (causal) scores = tf.add(scores, causalMask(scores.shape.slice(2)));
    if (mask !== undefined) scores = tf.add(scores, tf.mul(tf.sub(1, mask), HIDDEN));
    return tf.transpose(tf.matMul(tf.softmax(scores), values), [0, 2, 1, 3]);
  },
  rope: ({ x }, { theta }, [, T, , K]) => {
    const [cos, sin] = angles(T, K / 2, theta);
    const [low, high] = tf.split(x, 2, 3);
    return tf.concat(
      [tf.sub(tf.mul(low, cos), tf.mul(high, sin)), tf.add(tf.mul(high, cos), tf.mul(low, sin))],
      3,
    );
  },
};

const kept = new Map();
/** A tensor that is made once and outlives the run. */
const once = (key, make) => {
  if (!kept.has(key)) kept.set(key, tf.keep(make()));
  return kept.get(key);
};
const causalMask = ([T, S]) =>
  once(`causal ${T} ${S}`, () =>
    tf.tensor(
      Float32Array.from({ length: T * S }, (_, at) => (at % S > Math.floor(at / S) + S - T ? HIDDEN : 0)),
      [T, S],
    ),
  );
const angles = (T, half, theta) =>
  ["cos", "sin"].map((part) =>
    once(`${part} ${T} ${half} ${theta}`, () =>
      tf.tensor(
        Float32Array.from({ length: T * half }, (_, at) =>
          Math[part](Math.floor(at / half) * theta ** (-(at % half) / half)),
        ),
        [T, 1, half],
      ),
    ),
  );

await serve(async ({ weights }) => {
  const known = Object.entries(readTensors(weights)).map(([name, { data, shape }]) => [
    `weight ${name}`,
    tf.tensor(data, shape),
  ]);
  return {
    prepare: (row) => {
      const inputs = Object.entries(readTensors(row.file)).map(([name, { data, shape }]) => [
        `input ${name}`,
        tf.tensor(data, shape, data instanceof Int32Array ? "int32" : "float32"),
      ]);
      return async () => {
        const y = tf.tidy(() => evaluate(row.graph, new Map([...known, ...inputs])));
        const data = await y.data();
        y.dispose();
        return data;
      };
    },
  };
});

function evaluate({ nodes, output }, values) {
  for (const { op, operands, attrs, result, shape } of nodes) {
    const given = Object.fromEntries(
      Object.entries(operands).map(([name, value]) => [name, values.get(value)]),
    );
    values.set(result, ops[op](given, attrs, shape));
  }
  return values.get(output);
}
