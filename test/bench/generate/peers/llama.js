// llama.cpp by node-llama-cpp, its prebuilt binary for processors: `llama.js FILE THREADS`.
import { getLlama } from "node-llama-cpp";
import { serve } from "./serve.ts";

const [path, threads] = process.argv.slice(2);

await serve(async () => {
  const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads: Number(threads) });
  const sequence = context.getSequence();
  return {
    clear: () => sequence.clearHistory(),
    tokens: (prompt) => sequence.evaluate([...prompt], { temperature: 0 }),
  };
});
