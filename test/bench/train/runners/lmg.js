// The emitted training step of a target, `KERNELS.mjs` in the task's folder: `lmg.js FOLDER KERNELS`.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { batchesOf, readTask, serve } from "./serve.js";

const [folder, kernels] = process.argv.slice(2);
const task = readTask(folder);
const { createModel, parameters } = await import(pathToFileURL(join(folder, `${kernels}.mjs`)).href);
const zeros = (shape) => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape });
const model = await createModel(
  Object.fromEntries(parameters.map(({ name, shape }) => [name, task.parameters[name] ?? zeros(shape)])),
  { threads: task.threads },
);
const [inputs, targets] = [batchesOf(task.inputs), batchesOf(task.targets)];
const [input, target] = task.names;

await serve("lmg", async (index) => {
  const given = { [input]: inputs[index], [target]: targets[index] };
  for (const [name, value] of Object.entries(task.scalars[index])) given[name] = { data: [value], shape: [] };
  return (await model.run(given)).loss.data[0];
});
// Its threads wait for steps.
process.exit(0);
