import { readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** task.json, with the tensors that lie one after another in tensors.bin: `{ data, shape }` by name. */
export function readTask(folder) {
  const task = JSON.parse(readFileSync(join(folder, "task.json"), "utf8"));
  const { buffer } = new Uint8Array(readFileSync(join(folder, "tensors.bin")));
  const tensors = Object.fromEntries(
    Object.entries(task.tensors).map(([name, [dtype, shape, offset]]) => {
      const size = shape.reduce((product, length) => product * length, 1);
      return [name, { data: new (dtype === "f32" ? Float32Array : Int32Array)(buffer, offset, size), shape }];
    }),
  );
  const prefix = "parameter.";
  const parameters = Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
  return { ...task, parameters, inputs: tensors.inputs, targets: tensors.targets };
}

/** The batches of a tensor [N, ..], without copies. */
export function batchesOf({ data, shape }) {
  const [count, ...rest] = shape;
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) => ({
    data: data.subarray(i * size, (i + 1) * size),
    shape: rest,
  }));
}

const answer = (value) => writeSync(1, `${JSON.stringify(value)}\n`);

/** `step(index)` trains on the batch of that number and gives its loss. A line in is `{first, count}`. */
export async function serve(version, step) {
  answer({ version });
  for await (const line of createInterface({ input: process.stdin })) {
    const { first, count } = JSON.parse(line);
    const begun = process.cpuUsage();
    const ms = [];
    const losses = [];
    for (let index = first; index < first + count; index++) {
      const start = performance.now();
      const loss = await step(index);
      ms.push(performance.now() - start);
      losses.push(loss);
    }
    const { user, system } = process.cpuUsage(begun);
    answer({ ms, cpu: (user + system) / 1e3 / count, losses });
  }
}
