// What a page's author writes for transformers.js on WebAssembly. The server stands where the hub does, so that files are put
// into the page's cache as the library does with those of the hub.
import { env, pipeline } from "@huggingface/transformers";
import { offer } from "./offer.js";

env.remoteHost = new URL(".", location.href).href;
env.remotePathTemplate = "{model}/";
const { wasm } = env.backends.onnx;
wasm.wasmPaths = {
  mjs: new URL("ort-wasm-simd-threaded.asyncify.mjs", location.href).href,
  wasm: new URL("ort-wasm-simd-threaded.asyncify.wasm", location.href).href,
};

await offer(async (threads) => {
  wasm.numThreads = threads;
  const embed = await pipeline("feature-extraction", "published", { device: "wasm", dtype: "fp32" });
  return async (text) => (await embed(text, { pooling: "mean", normalize: true })).data;
});
