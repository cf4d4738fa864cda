// wllama, llama.cpp as WebAssembly: a page that offers the driver `window.contender`. Its threads stand in the page's address.
import { Wllama } from "./index.js";

const threads = Number(new URLSearchParams(location.search).get("threads"));
const wllama = new Wllama(
  { default: new URL("wllama.wasm", location.href).href },
  { suppressNativeLog: true },
);
const file = await (await fetch("model.gguf")).blob();
await wllama.loadModel([file], {
  n_ctx: 1024,
  n_batch: 512,
  n_threads: threads,
  n_gpu_layers: 0,
  warmup: false,
});

window.contender = {
  threads: wllama.getNumThreads(),
  /** Reads a prompt anew, and goes on with the likeliest token, so many times; the times are those that llama.cpp took down. */
  generate: async (prompt, count) => {
    const { choices, timings } = await wllama.createCompletion({
      prompt,
      max_tokens: count,
      temperature: 0,
      cache_prompt: false,
      ignore_eos: true,
    });
    return { text: choices[0].text, timings };
  },
};
