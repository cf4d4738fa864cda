/**
 * What a study gains by several workers, on a machine that does nothing else: `npx tsx test/bench/workers.ts [--jobs 2] [--runs 24]`.
 * The same runs made by one worker with one thread, and by `--jobs` of them, in turns, by the built command (`npm run build`). The share is the
 * time of one over that of n, over n: goal 0.9. Beside it what n workers took of the processors over what one did, which other
 * processes move less.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { wholeNumber } from "./options.ts";
import { median } from "./statistics.ts";

const { values: options } = parseArgs({
  options: {
    jobs: { type: "string", default: String(availableParallelism()) },
    runs: { type: "string", default: "24" },
    steps: { type: "string", default: "100" },
    rounds: { type: "string", default: "3" },
  },
});
const [jobs, runs, steps, rounds] = (["jobs", "runs", "steps", "rounds"] as const).map((name) =>
  wholeNumber(name, options),
) as [number, number, number, number];

const folder = mkdtempSync(join(tmpdir(), "lmg-workers-"));
const data = resolve("README.md");

/** Seconds of the processors that processes took which this one waited for: `cutime` and `cstime` of Linux, in hundredths. */
function secondsOfChildren(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** Makes a study, and gives what it took by the clock and of the processors, in seconds. */
async function made(count: number, round: number): Promise<{ readonly wall: number; readonly cpu: number }> {
  const [start, before] = [performance.now(), secondsOfChildren()];
  const out = join(folder, `${count}-${round}`);
  const grid = ["--set", "variant=pre,deepnorm", "--set", "depth=8", "--set", "dim=32"];
  const seeds = ["--lr", "1e-3,1e-2", "--seeds", String(Math.ceil(runs / 4)), "--steps", String(steps)];
  const line = [
    "study",
    "examples/depth.lmg",
    ...grid,
    ...seeds,
    "--threads",
    "1",
    "--data",
    data,
    "-o",
    out,
  ];
  const child = spawn(process.execPath, ["dist/cli/main.js", ...line, "--jobs", String(count)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const code = await new Promise((ended) => child.on("close", ended));
  if (code !== 0) throw new Error(`the study ended with ${String(code)}`);
  return { wall: (performance.now() - start) / 1000, cpu: secondsOfChildren() - before };
}

const [shares, costs]: [number[], number[]] = [[], []];
for (let round = 0; round < rounds; round++) {
  const one = await made(1, round);
  const several = await made(jobs, round);
  shares.push(one.wall / several.wall / jobs);
  costs.push(several.cpu / one.cpu);
  console.log(
    `round ${round + 1}: 1 worker ${one.wall.toFixed(1)} s, ${jobs} workers ${several.wall.toFixed(1)} s: ` +
      `${shares.at(-1)!.toFixed(2)} of ${jobs}; of the processors ${one.cpu.toFixed(1)} and ${several.cpu.toFixed(1)} s`,
  );
}
console.log(
  `workers' share ${median(shares).toFixed(2)} of ${jobs} (goal 0.9), processor time × ${median(costs).toFixed(2)}`,
);
rmSync(folder, { recursive: true, force: true });
