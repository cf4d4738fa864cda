import { spawn, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { listenForInterruption } from "../train/interruption.ts";
import { quote } from "../../checkpoint/problem.ts";
import type { Share } from "../../study/grid.ts";
import { stop } from "../stop.ts";
import { whole } from "../train/numbers.ts";

/** As many workers as are asked for, else one a core; never more than runs. */
export const jobsOf = (text: string | undefined, runs: number): number =>
  Math.max(1, Math.min(runs, whole("--jobs", text, 1) ?? availableParallelism()));

/**
 * Makes the runs that are left in several processes, each with one thread, and tells of each run by a line of its own. When this
 * process is asked to end, or is killed, the workers end with checkpoints.
 */
export async function runWorkers(
  folder: string,
  count: number,
  onLine: (line: string) => void,
): Promise<{ readonly interrupted: boolean; readonly failed: string | undefined }> {
  const workers: ChildProcess[] = [];
  const interruption = listenForInterruption(() => {
    for (const worker of workers) worker.kill("SIGTERM");
  }, undefined);
  try {
    const ends = Array.from({ length: count }, (_, index) => {
      const worker = startWorker(folder, { index, count });
      workers.push(worker);
      return endOf(worker, onLine);
    });
    const failed = (await Promise.all(ends)).find((notes) => notes !== undefined);
    const interrupted = interruption.requested();
    return { interrupted, failed: interrupted ? undefined : failed };
  } finally {
    interruption.close();
  }
}

/** In a group of its own: Ctrl-C comes to the study alone, which passes it on. By the channel a worker sees that the study was killed. */
function startWorker(folder: string, share: Share): ChildProcess {
  const [command, script] = [process.execPath, process.argv[1]!];
  return spawn(
    command,
    [...process.execArgv, script, "study", folder, "--worker", "--share", showShare(share)],
    {
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    },
  );
}

/** What a worker that did not end well said on standard error. */
function endOf(worker: ChildProcess, onLine: (line: string) => void): Promise<string | undefined> {
  let notes = "";
  worker.stderr!.on("data", (text: Buffer) => (notes += text.toString()));
  createInterface({ input: worker.stdout! }).on("line", onLine);
  return new Promise((resolve) => {
    worker.on("error", ({ message }) => resolve(message));
    worker.on("close", (code, signal) =>
      resolve(code === 0 ? undefined : notes || `a worker ended with ${signal ?? String(code)}`),
    );
  });
}

/** `1/4`: the first of four workers. */
const showShare = ({ index, count }: Share): string => `${index + 1}/${count}`;

/** What `--share` says: a worker of which nothing is said is the only one. */
export function shareOf(text: string | undefined): Share {
  if (text === undefined) return { index: 0, count: 1 };
  const [number, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).slice(1).map(Number);
  if (number === undefined || count === undefined || number < 1 || number > count)
    stop(
      "E804",
      `--share expects I/N, the I-th of N workers, found ${quote(text)}`,
      "for example --share 1/2",
    );
  return { index: number - 1, count };
}

/** For a worker: ends as if asked to when the study that started it is gone. */
export function endWithParent(): void {
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // The channel alone keeps no process alive that has done its runs.
  process.channel?.unref();
}
