import { readFileSync } from "node:fs";

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
