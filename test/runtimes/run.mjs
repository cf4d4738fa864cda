// Runs the module of a model on weights, in some threads, in whatever runtime this is; prints the bits of its logits. It does not
// close the model: the process is to end all the same.
import { readFileSync } from "node:fs";

const [, , module, weights, threads, input] = process.argv;
const { loadSafetensors } = await import(module);
const model = await loadSafetensors(readFileSync(weights), { threads: Number(threads) });
const tokens = JSON.parse(input);
const bits = [];
for (let run = 0; run < 2; run++) {
  const { logits } = await model.run({ tokens });
  bits.push(Buffer.from(Float32Array.from(logits.data).buffer).toString("base64"));
}
console.log(JSON.stringify(bits));
