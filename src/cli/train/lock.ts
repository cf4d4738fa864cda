import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileProblem } from "../../checkpoint/files.ts";
import { quotePath } from "../../checkpoint/problem.ts";
import { stop, Stop } from "../stop.ts";
import { runFiles } from "./folder.ts";

/** The process that writes into a folder. */
interface Owner {
  readonly pid: number;
  readonly host: string;
}

const here: Owner = { pid: process.pid, host: hostname() };

/**
 * Keeps other processes out of a run's folder until the function that it gives is called: two that write there would
 * take each other's files for their own. The lock of a process that was killed does not count.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, runFiles.lock);
  while (!take(path)) {
    const owner = readOwner(path);
    if (owner === undefined || !isGone(owner)) refuse(folder, path, owner);
    rmSync(path, { force: true });
  }
  return () => rmSync(path, { force: true });
}

/** Makes the lock; false if there is one. */
function take(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify(here), { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new Stop([fileProblem("write", path, error)]);
  }
}

/** Whom a lock belongs to; undefined if it does not say, as one that is being written. */
function readOwner(path: string): Owner | undefined {
  try {
    const { pid, host } = JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, unknown>>;
    return typeof pid === "number" && typeof host === "string" ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process has ended for sure. One with the number of this one has: a container counts from 1 each time. */
function isGone({ pid, host }: Owner): boolean {
  if (host !== here.host) return false;
  if (pid === here.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

function refuse(folder: string, path: string, owner: Owner | undefined): never {
  const who =
    owner === undefined
      ? "another process"
      : `process ${owner.pid}${owner.host === here.host ? "" : ` on ${quotePath(owner.host)}`}`;
  return stop(
    "E857",
    `${who} trains into ${quotePath(folder)}`,
    `wait for its end, train into another folder with -o, or remove ${quotePath(path)} if it has ended`,
  );
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;
