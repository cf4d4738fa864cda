/**
 * The long run over all readers of what comes from outside:
 *
 *     npx tsx test/fuzz/run.ts [--count 1000000] [--seed 1] [--only NAME]
 *
 * `--count` is of all readers together, by their shares, or of the one that `--only` names. Inputs are right ones that were
 * changed, or made to ask for much. Each is measured: more than 2 s, more than 512 MB, or anything thrown is a failure. A worker
 * that hangs or runs out of memory is ended, and the next goes on behind the input. `--show NAME INDEX` prints one input. Ends
 * with 1 if there was a failure.
 */
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { inputOf, limits } from "./one.ts";
import { readers, type ReaderName } from "./readers.ts";
import type { Report, Turn } from "./worker.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    show: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);

/** A worker does not take over how its parent loads TypeScript. */
const START = `import { register } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};
register();
await import(${JSON.stringify(new URL("worker.ts", import.meta.url).href)});`;

/** Seconds of the processor on one input after which its worker is ended. */
const HANGS = 10;

/** Failures of one reader after which the rest of its inputs tells nothing new. */
const MOST_FAILURES = 20;

interface Tally {
  seconds: number;
  slowest: Report | undefined;
  largest: Report | undefined;
  failures: Report[];
}

const shown = ({ index, seconds, bytes, failure }: Report): string =>
  `${index}: ${seconds.toFixed(2)} s, ${Math.round(bytes / 2 ** 20)} MB${failure === undefined ? "" : `\n      ${failure.split("\n").slice(0, 4).join("\n      ")}`}`;

/** Runs a worker until it is done or has to be ended; the index behind the last input that it read. */
function runWorker(turn: Omit<Turn, "current">, tally: Tally): Promise<number> {
  const current = new Int32Array(new SharedArrayBuffer(4));
  current[0] = turn.from;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(START)}`), {
    workerData: { ...turn, current },
    resourceLimits: { maxOldGenerationSizeMb: 768, stackSizeMb: 4 },
  });
  const fail = (failure: string): number => {
    const index = Atomics.load(current, 0);
    tally.failures.push({ index, seconds: 0, bytes: 0, failure });
    console.log(`  FAILED ${shown(tally.failures.at(-1)!)}`);
    return index + 1;
  };
  return new Promise((done) => {
    let [seen, since] = [-1, process.cpuUsage()];
    const watch = setInterval(() => {
      const index = Atomics.load(current, 0);
      if (index !== seen) [seen, since] = [index, process.cpuUsage()];
      else if (process.cpuUsage(since).user > HANGS * 1e6) {
        clearInterval(watch);
        void worker.terminate().then(() => {
          done(fail(`no end after ${HANGS} s`));
        });
      }
    }, 1000);
    worker.on("message", (report: Report) => {
      if (report.seconds > (tally.slowest?.seconds ?? 0)) tally.slowest = report;
      if (report.bytes > (tally.largest?.bytes ?? 0)) tally.largest = report;
      if (report.failure === undefined) return;
      tally.failures.push(report);
      console.log(`  FAILED ${shown(report)}`);
    });
    worker.on("error", (error: Error) => {
      clearInterval(watch);
      done(fail(String(error)));
    });
    worker.on("exit", (code) => {
      clearInterval(watch);
      if (code === 0) done(turn.to);
    });
  });
}

async function runReader(reader: ReaderName, count: number): Promise<Tally> {
  const tally: Tally = { seconds: 0, slowest: undefined, largest: undefined, failures: [] };
  const start = process.cpuUsage();
  for (let from = 0; from < count && tally.failures.length < MOST_FAILURES;)
    from = await runWorker({ reader, seed, from, to: count }, tally);
  tally.seconds = process.cpuUsage(start).user / 1e6;
  return tally;
}

if (values.show) {
  const [name, index] = positionals as [ReaderName, string];
  process.stdout.write(inputOf(name, seed, Number(index)));
} else {
  const { only } = values;
  if (only !== undefined && !Object.hasOwn(readers, only))
    throw new Error(`--only has no ${only}; readers are ${Object.keys(readers).join(", ")}`);
  let [inputs, failures] = [0, 0];
  for (const [name, { share }] of Object.entries(readers)) {
    if (only !== undefined && only !== name) continue;
    // A reader by itself gets all inputs.
    const count =
      only === undefined ? Math.round((Number(values.count) * share) / 1000) : Number(values.count);
    const tally = await runReader(name as ReaderName, count);
    inputs += count;
    failures += tally.failures.length;
    console.log(
      `${name}: ${count} inputs in ${tally.seconds.toFixed(0)} s, ${tally.failures.length} failures`,
    );
    if (tally.slowest !== undefined)
      console.log(`    slowest ${shown({ ...tally.slowest, failure: undefined })}`);
    if (tally.largest !== undefined)
      console.log(`    largest ${shown({ ...tally.largest, failure: undefined })}`);
  }
  console.log(
    `${inputs} inputs, ${failures} failures; limits ${limits.seconds} s and ${limits.bytes / 2 ** 20} MB`,
  );
  process.exitCode = failures === 0 ? 0 : 1;
}
