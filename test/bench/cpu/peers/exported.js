// One ONNX model in onnxruntime: `exported.js web|node`, one thread. Ids are counted, all of a text is seen, and of the first type.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { serve } from "./serve.js";

const [kind] = process.argv.slice(2);
const ort = await import(`onnxruntime-${kind}`);
// Before the first session: later it is not read.
if (kind === "web") ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

/** WebAssembly reads no files: the model, and the weights beside it by their names. */
function open(path) {
  const options = { graphOptimizationLevel: "all" };
  if (kind === "node") {
    const threads = { intraOpNumThreads: 1, interOpNumThreads: 1 };
    return ort.InferenceSession.create(path, { ...options, ...threads, executionProviders: ["cpu"] });
  }
  const beside = readdirSync(dirname(path)).filter((name) => /\.(data|safetensors)$/.test(name));
  const externalData = beside.map((name) => ({ path: name, data: readFileSync(join(dirname(path), name)) }));
  return ort.InferenceSession.create(readFileSync(path), {
    ...options,
    externalData,
    executionProviders: ["wasm"],
  });
}

const STRIDE = 7919;

const valueOf = (name, at, vocab) =>
  name.includes("mask") ? 1 : name.includes("type") ? 0 : (at * STRIDE) % vocab;

const arrays = {
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(values, BigInt),
  bool: (values) => Uint8Array.from(values),
};

await serve(async ({ path }) => {
  const session = await open(path);
  return {
    close: () => session.release(),
    prepare: ({ shape, vocab }) => {
      const length = shape[0] * shape[1];
      const feeds = session.inputMetadata.map(({ name, type }) => {
        const values = Array.from({ length }, (_, at) => valueOf(name, at, vocab));
        return [name, new ort.Tensor(type, arrays[type](values), shape)];
      });
      const given = Object.fromEntries(feeds);
      return async () => (await session.run(given))[session.outputNames[0]].data;
    },
  };
});
