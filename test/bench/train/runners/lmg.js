// The emitted training step, `step.mjs` in the task's folder: `lmg.js FOLDER`.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { batchesOf, readTask, serve } from "./serve.js";

const folder = process.argv[2];
const task = readTask(folder);
const { createModel, parameters } = await import(pathToFileURL(join(folder, "step.mjs")).href);
const zeros = (shape) => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape });
const model = createModel(
  Object.fromEntries(parameters.map(({ name, shape }) => [name, task.parameters[name] ?? zeros(shape)])),
);
const [inputs, targets] = [batchesOf(task.inputs), batchesOf(task.targets)];
const [input, target] = task.names;

await serve("lmg", (index) => {
  const given = { [input]: inputs[index], [target]: targets[index] };
  for (const [name, value] of Object.entries(task.scalars[index])) given[name] = { data: [value], shape: [] };
  return model.run(given).loss.data[0];
});
