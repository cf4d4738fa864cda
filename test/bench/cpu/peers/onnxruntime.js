// onnxruntime: `onnxruntime.js web|node THREADS`. Of a model's two forms it takes the one that it runs faster.
import { readFileSync } from "node:fs";
import { serve } from "./serve.js";
import { feedsOf } from "./feeds.js";
import { readTensors } from "./tensors.js";

const [kind, threads] = process.argv.slice(2);
const name = `onnxruntime-${kind}`;
const ort = await import(name);
// Before the first session: later it is not read.
if (kind === "web") ort.env.wasm.numThreads = Number(threads);
ort.env.logLevel = "error";
const options =
  kind === "web"
    ? { executionProviders: ["wasm"] }
    : { executionProviders: ["cpu"], intraOpNumThreads: Number(threads), interOpNumThreads: 1 };

const open = (path) =>
  ort.InferenceSession.create(kind === "web" ? readFileSync(path) : path, {
    ...options,
    graphOptimizationLevel: "all",
  });

const runOf = (session, row) => {
  const feeds = feedsOf(ort.Tensor, row, readTensors(row.file));
  return async () => (await session.run(feeds))[row.output].data;
};

/** The least milliseconds of a few runs. */
async function trial(path, row) {
  const session = await open(path);
  const run = runOf(session, row);
  let least = Infinity;
  for (let turn = 0; turn < 4; turn++) {
    const start = performance.now();
    await run();
    if (turn > 0) least = Math.min(least, performance.now() - start);
  }
  await session.release();
  return least;
}

async function fastest(onnx, row) {
  const forms = Object.keys(onnx);
  if (forms.length === 1) return forms[0];
  const times = {};
  for (const form of forms) times[form] = await trial(onnx[form], row);
  return forms.reduce((best, form) => (times[form] < times[best] ? form : best));
}

await serve(async ({ onnx }, row) => {
  const form = await fastest(onnx, row);
  const session = await open(onnx[form]);
  return { note: form, close: () => session.release(), prepare: (row) => runOf(session, row) };
});
