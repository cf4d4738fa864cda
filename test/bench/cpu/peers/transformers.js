// transformers.js on its WebAssembly backend: `transformers.js THREADS`. In Node it would take onnxruntime-node; a run time
// that stands under this symbol is taken instead, and this is the one that it loads in a page.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { basename, dirname } from "node:path";
import { serve } from "./serve.js";
import { feedsOf } from "./feeds.js";
import { readTensors } from "./tensors.js";

const [threads] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const library = require.resolve("@huggingface/transformers");
const ort = await import(pathToFileURL(createRequire(library).resolve("onnxruntime-web")).href);
ort.env.wasm.numThreads = Number(threads);
globalThis[Symbol.for("onnxruntime")] = ort;
const { AutoModel, Tensor, env } = await import("@huggingface/transformers");
env.allowRemoteModels = false;
// It names a server's files; those of the package are beside the script that it loaded.
ort.env.wasm.wasmPaths = undefined;

await serve(async ({ published }) => {
  env.localModelPath = dirname(published);
  const model = await AutoModel.from_pretrained(basename(published), {
    dtype: "fp32",
    // It knows no device of a run time that was put there; what the session is told counts.
    device: "auto",
    session_options: { executionProviders: ["wasm"] },
  });
  return {
    close: () => model.dispose(),
    prepare: (row) => {
      const feeds = feedsOf(Tensor, row, readTensors(row.file));
      return async () => (await model(feeds))[row.output].data;
    },
  };
});
