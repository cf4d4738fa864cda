// The emitted module of a model: `lmg.js KERNELS THREADS`.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { serve } from "./serve.js";
import { readTensors } from "./tensors.js";

const [kernels, threads] = process.argv.slice(2);

await serve(async ({ modules, weights }) => {
  const { loadSafetensors } = await import(pathToFileURL(modules[kernels]).href);
  const model = await loadSafetensors(readFileSync(weights), { threads: Number(threads) });
  return {
    close: () => model.close?.(),
    prepare: (row) => {
      const inputs = readTensors(row.file);
      return async () => (await model.run(inputs))[row.output].data;
    },
  };
});
