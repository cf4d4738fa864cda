// The first token of llama.cpp, as a program of its own would write it: `first-llama.js FILE THREADS PROMPT`.
import { getLlama } from "node-llama-cpp";

const [path, threads, prompt] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath: path });
const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads: Number(threads) });
const ids = [model.tokens.bos, ...model.tokenize(prompt)];
for await (const token of context.getSequence().evaluate(ids, { temperature: 0 })) {
  process.stdout.write(`${model.detokenize([token])}\n`);
  break;
}
process.exit(0);
