import * as jax from "./peers/jax.js";
import * as lmg from "./peers/lmg.js";
import * as onnx from "./peers/onnx.js";
import * as tfjs from "./peers/tfjs.js";

const peers = { lmg, "onnxruntime-web": onnx, tfjs, "jax-js": jax };
const counts = { dispatches: 0, submits: 0, shaders: 0 };

/** Every library's calls are counted at the prototypes that all devices of the page share. */
function countCalls(prototype, method, what) {
  const original = prototype[method];
  prototype[method] = function (...args) {
    counts[what]++;
    return original.apply(this, args);
  };
}
countCalls(GPUComputePassEncoder.prototype, "dispatchWorkgroups", "dispatches");
countCalls(GPUComputePassEncoder.prototype, "dispatchWorkgroupsIndirect", "dispatches");
countCalls(GPUQueue.prototype, "submit", "submits");
countCalls(GPUDevice.prototype, "createShaderModule", "shaders");

async function measured(run) {
  Object.assign(counts, { dispatches: 0, submits: 0, shaders: 0 });
  const start = performance.now();
  const value = await run();
  return { value, ms: performance.now() - start, ...counts };
}

/** Opens every peer, runs it once, then all in turn, `rounds` times: each run brings x and takes y back. */
window.bench = async (names, rounds) => {
  const task = await (await fetch("task.json")).json();
  for (const tensor of Object.values(task.weights)) tensor.data = Float32Array.from(tensor.data);
  task.onnx = new Uint8Array(await (await fetch("layers.onnx")).arrayBuffer());
  const x = Float32Array.from(task.x);
  const results = [];
  for (const name of names) {
    let run;
    const first = await measured(async () => {
      run = await peers[name].open(task);
      return run(x);
    });
    const steady = await measured(() => run(x));
    const { dispatches, submits } = steady;
    results.push({
      name,
      run,
      firstMs: first.ms,
      shaders: first.shaders,
      dispatches,
      submits,
      y: [...steady.value],
      ms: [],
    });
  }
  for (let round = 0; round < rounds; round++)
    for (const result of results) result.ms.push((await measured(() => result.run(x))).ms);
  return results.map(({ run: _, ...result }) => result);
};
