// TensorFlow.js: `tfjs.js FOLDER cpu|wasm|tensorflow`. The digits in its core ops, its gradients and Adam.
import tf from "@tensorflow/tfjs";
import { batchesOf, readTask, serve } from "./serve.js";

const [folder, backend] = process.argv.slice(2);
const task = readTask(folder);
if (backend === "wasm") await import("@tensorflow/tfjs-backend-wasm");
if (backend === "tensorflow") await import("@tensorflow/tfjs-node");
await tf.setBackend(backend);
await tf.ready();
if (tf.getBackend() !== backend) throw new Error(`tfjs has no backend ${backend}`);

const variable = (name) => tf.variable(tf.tensor(task.parameters[name].data, task.parameters[name].shape));
const linear = (name) => {
  // tfjs multiplies by [in, out] without a transpose.
  const { data, shape } = task.parameters[`${name}.weight`];
  const weight = tf.variable(tf.transpose(tf.tensor(data, shape)));
  const bias = variable(`${name}.bias`);
  return (x) => tf.fused.matMul({ a: x, b: weight, bias });
};
const batchNorm = (name) => {
  const [weight, bias] = [variable(`${name}.weight`), variable(`${name}.bias`)];
  const running = ["running_mean", "running_var"].map((each) =>
    tf.variable(variable(`${name}.${each}`), false),
  );
  return (x) => {
    const { mean, variance } = tf.moments(x, 0);
    [mean, variance].forEach((value, i) => {
      running[i].assign(tf.add(running[i], tf.mul(tf.sub(value, running[i]), 0.01)));
    });
    return tf.batchNorm(x, mean, variance, bias, weight, 1e-3);
  };
};

const [dense, dense1, dense2] = ["dense", "dense_1", "dense_2"].map(linear);
const [bn, bn1] = ["bn", "bn_1"].map(batchNorm);
const logitsOf = (x) => {
  const first = tf.relu(dense(x));
  return dense2(bn1(tf.add(tf.relu(dense1(bn(first))), first)));
};
const { betas, eps } = task.optimizer;
const optimizer = tf.train.adam(task.rates[0], betas[0], betas[1], eps);
const inputs = batchesOf(task.inputs).map(({ data, shape }) => tf.tensor(data, shape));
const targets = batchesOf(task.targets).map(({ data, shape }) =>
  tf.oneHot(tf.tensor(data, shape, "int32"), 10),
);

await serve(`tfjs ${tf.version.tfjs}, ${backend}`, async (index) => {
  const loss = tf.tidy(() =>
    optimizer.minimize(() => tf.losses.softmaxCrossEntropy(targets[index], logitsOf(inputs[index])), true),
  );
  const [value] = await loss.data();
  loss.dispose();
  return value;
});
process.exit(0);
