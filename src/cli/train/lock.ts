import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { readText } from "../../checkpoint/files/read.ts";
import { codeOf, fileProblem } from "../../checkpoint/files/system.ts";
import { places } from "../../checkpoint/places.ts";
import { Problem, quotePath } from "../../checkpoint/problem.ts";
import { stop, Stop } from "../stop.ts";
import { runFiles } from "./folder.ts";

/** The process that writes into a folder. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
}

const here: Owner = { pid: process.pid, host: hostname() };

/**
 * Keeps other processes out of a run's folder until the function that it gives is called: two that write there would
 * take each other's files for their own. The lock of a process that was killed does not count.
 */
export function lockFolder(folder: string): () => void {
  const found = tryLock(folder);
  if ("unlock" in found) return found.unlock;
  return refuse(folder, join(folder, runFiles.lock), found.owner);
}

/** The same for who would rather do something else than end: what lets go of the folder, or whose it is. */
export function tryLock(
  folder: string,
): { readonly unlock: () => void } | { readonly owner: Owner | undefined } {
  const path = join(folder, runFiles.lock);
  while (!take(path)) {
    const owner = readOwner(path);
    if (!isGone(path, owner)) return { owner };
    // Of several processes that find the lock of one that is gone, one moves it away, and looks at what it moved.
    const moved = `${path}.${process.pid}.tmp`;
    if (!move(path, moved)) continue;
    const found = readOwner(moved);
    if (found?.pid !== owner?.pid || found?.host !== owner?.host) {
      move(moved, path);
      return { owner: found };
    }
    rmSync(moved, { force: true });
  }
  return { unlock: () => rmSync(path, { force: true }) };
}

/** Makes the lock; false if there is one. */
function take(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, "wx");
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new Stop([fileProblem("write", path, error)]);
  }
  try {
    writeSync(file, JSON.stringify(here));
    return true;
  } catch (error) {
    rmSync(path, { force: true });
    throw new Stop([fileProblem("write", path, error)]);
  } finally {
    closeSync(file);
  }
}

/** Renames a file; false if it is not there any more. */
function move(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw new Stop([fileProblem("write", from, error)]);
  }
}

/** Whom a lock belongs to; undefined if it does not say, as one that is being written. */
function readOwner(path: string): Owner | undefined {
  const text = readText(path, places.json);
  if (text instanceof Problem) return undefined;
  try {
    const { pid, host } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const isPid = typeof pid === "number" && Number.isInteger(pid) && pid > 0;
    return isPid && typeof host === "string" ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

/** A lock is written in an instant: one that is empty for so long, in milliseconds, is of a process that was killed then. */
const WRITTEN_WITHIN = 10_000;

/** Whether the process that made a lock has ended for sure. */
function isGone(path: string, owner: Owner | undefined): boolean {
  if (owner !== undefined) return hasEnded(owner);
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size === 0 && Date.now() - found.mtimeMs > WRITTEN_WITHIN;
}

/** One with the number of this process has ended: a container counts from 1 each time. */
function hasEnded({ pid, host }: Owner): boolean {
  if (host !== here.host) return false;
  if (pid === here.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

/** `process 123`, and where it runs if that is elsewhere. */
export const showOwner = (owner: Owner | undefined): string =>
  owner === undefined
    ? "another process"
    : `process ${owner.pid}${owner.host === here.host ? "" : ` on ${quotePath(owner.host)}`}`;

function refuse(folder: string, path: string, owner: Owner | undefined): never {
  return stop(
    "E857",
    `${showOwner(owner)} trains into ${quotePath(folder)}`,
    `wait for its end, train into another folder with -o, or remove ${quotePath(path)} if it has ended`,
  );
}
