// A peer's side of the bench: it loads models, prepares runs of them, and runs each as often as the driver asks.
import { readFileSync, writeFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

const answer = (value) => writeSync(1, `${JSON.stringify(value)}\n`);

const writeResult = (path, elements) =>
  writeFileSync(path, new Uint8Array(Float32Array.from(elements).buffer));

/**
 * `load(files, run)` gives `{ prepare, close, note }` for a model, `prepare(run)` what runs it once and gives the output's
 * elements. A line in is `{ load: NAME, files, run }`, `{ prepare: NAME, model: NAME, run }`, `{ time: NAME, ms, least }` or
 * `{ result: NAME, path }`; a line out is its answer, or `{ error }`; one
 * more before all says that it is there.
 *
 * Where LMG_BENCH_FIRST names a file of `{ files, run, path }`, it does all that once and ends.
 */
export async function serve(load) {
  if (process.env.LMG_BENCH_FIRST !== undefined) return first(load, process.env.LMG_BENCH_FIRST);
  // What libraries print must not stand among the answers.
  console.log = console.info = console.warn = console.error;
  const models = new Map();
  const runs = new Map();
  const requests = {
    load: async (name, { files, run }) => {
      models.set(name, await load(files, run));
      return { note: models.get(name).note };
    },
    prepare: async (name, { model, run }) => {
      runs.set(name, await models.get(model).prepare(run));
      return {};
    },
    time: (name, { ms, least }) => time(runs.get(name), ms, least),
    result: async (name, { path }) => {
      writeResult(path, await runs.get(name)());
      return { bytes: process.memoryUsage().rss };
    },
  };
  answer({});
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const [kind] = Object.keys(request);
    try {
      answer(await requests[kind](request[kind], request));
    } catch (error) {
      answer({ error: String(error?.message ?? error).slice(0, 400) });
    }
  }
  for (const model of models.values()) await model.close?.();
  process.exit(0);
}

/** From nothing to an output: the line that is written then is what the driver waits for, with what processors worked until then. */
async function first(load, file) {
  const { files, run, path } = JSON.parse(readFileSync(file, "utf8"));
  const model = await load(files, run);
  const elements = await (await model.prepare(run))();
  const { user, system } = process.cpuUsage();
  answer({ cpu: (user + system) / 1e3 });
  writeResult(path, elements);
  process.exit(0);
}

/** Milliseconds of each run, and those that processors worked for one, for at least so many milliseconds and so many runs. */
async function time(run, milliseconds, least) {
  const ms = [];
  const begun = process.cpuUsage();
  const end = performance.now() + milliseconds;
  do {
    const start = performance.now();
    await run();
    ms.push(performance.now() - start);
  } while (performance.now() < end || ms.length < least);
  const { user, system } = process.cpuUsage(begun);
  return { ms, cpu: (user + system) / 1e3 / ms.length };
}
