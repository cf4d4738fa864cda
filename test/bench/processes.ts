import { readdirSync, readFileSync } from "node:fs";

const lineOf = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // It ended meanwhile.
    return "";
  }
};

/** Megabytes that a process has. */
export const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(lineOf(pid, "status"))?.[1] ?? 0) / 1024;

/** Megabytes of the pages, with their workers, of the browsers that a process started. */
export function renderersOf(pid: number): number {
  const all = readdirSync("/proc")
    .map(Number)
    .filter((one) => one > 0);
  const parents = new Map(all.map((one) => [one, Number(/PPid:\s+(\d+)/.exec(lineOf(one, "status"))?.[1])]));
  const descends = (one: number): boolean => {
    const parent = parents.get(one);
    return parent === pid || (parent !== undefined && parent > 0 && descends(parent));
  };
  return all
    .filter((one) => descends(one) && lineOf(one, "cmdline").includes("--type=renderer"))
    .reduce((sum, one) => sum + memoryOf(one), 0);
}
