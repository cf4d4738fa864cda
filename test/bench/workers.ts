/**
 * What a study gains by several workers, on a machine that does nothing else: `npx tsx test/bench/workers.ts [--jobs 2] [--seeds 3]`, with the
 * built command (`npm run build`). The runs are those of the project's study for as many placements as there are workers: its six rates, three seeds and
 * 150 steps. They are made by one worker with one thread and by `--jobs` of them, in turns. The share is the time of one over that of n, over n:
 * goal 0.9. Beside it what the machine itself gives: studies that share nothing, of one placement and one worker each, started at once.
 * Processor times, which other processes move less, say whether work was done twice, and how busy one worker keeps the cores beside its own:
 * V8 compiles and collects in threads of its own.
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
    depth: { type: "string", default: "8" },
    seeds: { type: "string", default: "3" },
    steps: { type: "string", default: "150" },
    rounds: { type: "string", default: "3" },
  },
});
const [jobs, depth, seeds, steps, rounds] = (["jobs", "depth", "seeds", "steps", "rounds"] as const).map(
  (name) => wholeNumber(name, options),
) as [number, number, number, number, number];

/** Placements that all learn, and take alike. */
const VARIANTS = ["pre", "deepnorm", "sandwich", "out", "rezero", "lns", "peri", "keel"];
const variants = Array.from({ length: jobs }, (_, index) => VARIANTS[index % VARIANTS.length]!);
const RATES = "1e-3,3.16e-3,1e-2,3.16e-2,1e-1,3.16e-1";

const folder = mkdtempSync(join(tmpdir(), "lmg-workers-"));
const data = resolve("README.md");

/** Seconds of the processors that processes took which this one waited for: `cutime` and `cstime` of Linux, in hundredths. */
function secondsOfChildren(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

interface Taken {
  /** Seconds by the clock. */
  readonly wall: number;
  /** Seconds of the processors. */
  readonly cpu: number;
}

async function timed(work: () => Promise<unknown>): Promise<Taken> {
  const [start, before] = [performance.now(), secondsOfChildren()];
  await work();
  return { wall: (performance.now() - start) / 1000, cpu: secondsOfChildren() - before };
}

let studies = 0;

/** Makes a study of some placements with so many workers. */
async function make(placements: readonly string[], workers: number): Promise<void> {
  const grid = ["--set", `variant=${placements.join(",")}`, "--set", `depth=${depth}`, "--set", "dim=32"];
  const runs = ["--lr", RATES, "--seeds", String(seeds), "--steps", String(steps), "--threads", "1"];
  const where = ["--data", data, "-o", join(folder, String(studies++)), "--jobs", String(workers)];
  const line = ["dist/cli/main.js", "study", "examples/depth.lmg", ...grid, ...runs, ...where];
  const child = spawn(process.execPath, line, { stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((ended) => child.on("close", ended));
  if (code !== 0) throw new Error(`the study ended with ${String(code)}`);
}

const found = { share: [] as number[], apart: [] as number[], cost: [] as number[], busy: [] as number[] };
for (let round = 0; round < rounds; round++) {
  const one = await timed(() => make(variants, 1));
  const several = await timed(() => make(variants, jobs));
  const apart = await timed(() => Promise.all(variants.map((variant) => make([variant], 1))));
  found.share.push(one.wall / several.wall / jobs);
  found.apart.push(one.wall / apart.wall / jobs);
  found.cost.push(several.cpu / one.cpu);
  found.busy.push(one.cpu / one.wall);
  const shown = ({ wall, cpu }: Taken): string => `${wall.toFixed(1)} s (${cpu.toFixed(1)} s of processors)`;
  console.log(
    `round ${round + 1}: 1 worker ${shown(one)}, ${jobs} workers ${shown(several)}, ${jobs} studies ${shown(apart)}`,
  );
}
const middle = (name: keyof typeof found): string => median(found[name]).toFixed(2);
console.log(
  `workers' share ${middle("share")} of ${jobs} (goal 0.9), that of studies apart ${middle("apart")}; ` +
    `processor time × ${middle("cost")}, one worker keeps ${middle("busy")} cores busy`,
);
rmSync(folder, { recursive: true, force: true });
