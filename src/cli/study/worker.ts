import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { inTurn, type Share } from "../../study/grid.ts";
import type { RunResult } from "../../study/result.ts";
import type { Out } from "../out.ts";
import { stop } from "../stop.ts";
import { makeRunFolder } from "../train/folder.ts";
import { showOwner, tryLock } from "../train/lock.ts";
import type { TrainOptions } from "../train/options.ts";
import type { Listeners } from "../train/run.ts";
import { resultOf, runFolder, writeResult, type Study } from "./folder.ts";
import { makeRun } from "./one.ts";
import { Programs } from "./programs.ts";

/** In milliseconds, between two looks at runs that other processes make. */
const PATIENCE = 500;

/** A study whose runs are to be made. */
export interface Unmade {
  readonly folder: string;
  readonly study: Study;
  /** What all runs are given. */
  readonly shared: TrainOptions;
  /** Which of several workers makes them, so that these begin with different placements. */
  readonly share?: Share;
}

/**
 * Makes the runs that are left one by one, in the worker's order. Workers know nothing of each other: each run is that of whoever
 * locks its folder, and made once its result is there. Ends when all are made, those of other processes among them.
 */
export async function makeRuns(
  { folder, study, shared, share = { index: 0, count: 1 } }: Unmade,
  out: Out,
  onResult: (result: RunResult) => void,
): Promise<void> {
  const programs = new Programs(join(folder, study.path), shared);
  try {
    await makeLeft({ folder, study, share, programs }, { out, unread: out.outlive?.() }, onResult);
  } finally {
    programs.close();
  }
}

async function makeLeft(
  { folder, study, share, programs }: Required<Omit<Unmade, "shared">> & { readonly programs: Programs },
  { out, unread }: Listeners,
  onResult: (result: RunResult) => void,
): Promise<void> {
  let said = "";
  const runs = inTurn(study.runs, share);
  for (;;) {
    const left = runs.filter((run) => resultOf(folder, run) === undefined);
    if (left.length === 0) return;
    let made = 0;
    let others = "";
    for (const run of left) {
      const place = runFolder(folder, run);
      makeRunFolder(place);
      const lock = tryLock(place);
      if (!("unlock" in lock)) {
        others = `waiting for ${showOwner(lock.owner)}, which makes ${run.name}`;
        continue;
      }
      try {
        // It may have been made between the look and the lock.
        if (resultOf(folder, run) !== undefined) continue;
        const result = await makeRun({ run, programs, folder: place }, { out, unread });
        if (result === undefined) interrupted(folder, study);
        writeResult(folder, run, result);
        onResult(result);
        made++;
      } finally {
        lock.unlock();
      }
    }
    if (made > 0 || others === "") continue;
    if (others !== said) out.note(`${others}\n`);
    said = others;
    await setTimeout(PATIENCE);
  }
}

/** Ends the command; the run that was being made has a checkpoint. */
export function interrupted(folder: string, study: Study): never {
  const made = study.runs.filter((run) => resultOf(folder, run) !== undefined).length;
  return stop(
    "E855",
    `interrupted with ${made} of ${study.runs.length} runs made`,
    "the same command goes on from there",
  );
}
