import type { Problem } from "../../checkpoint/problem.ts";
import { attempt } from "../attempt.ts";
import type { StepTimes } from "../../emit/emitted.ts";
import type { CeilingFinder } from "./ceilings.ts";
import type { Subject } from "./subject.ts";

/** The times of a subject, in seconds. */
export interface Samples {
  /** Of whole runs, by round. */
  readonly runs: readonly (readonly number[])[];
  /** Of each stage, in all rounds, with what it costs to begin and end one. */
  readonly stages: readonly (readonly number[])[];
  /** What that costs alone. */
  readonly none: readonly number[];
}

/** How long a subject runs in a round, and again step by step: at least once each. */
const SLICE = 0.05;
/** How long it runs before all rounds, until its engine has compiled for good what it runs, and how often at least. */
const WARM_UP = 0.3;
const WARM_RUNS = 3;

/**
 * Times subjects in turns, round by round, so that whatever else the machine does meets all of them alike; the ceilings of
 * the machine are looked for in every round too.
 */
export async function measure(
  subjects: readonly Subject[],
  finders: readonly CeilingFinder[],
  rounds: number,
): Promise<readonly Samples[] | Problem> {
  return attempt(async () => {
    for (const subject of subjects) await repeat(subject.run, { seconds: WARM_UP, times: WARM_RUNS });
    const runs = subjects.map((): number[][] => []);
    const profiles = subjects.map((): StepTimes[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const finder of finders) await finder.round();
      for (const [index, subject] of subjects.entries()) {
        // The first one wakes threads, and brings back what another subject drove out of the caches.
        await subject.run();
        runs[index]!.push(await repeat(subject.run, { seconds: SLICE, times: 1 }));
        const profile = async () => profiles[index]!.push(await subject.profile());
        await repeat(profile, { seconds: SLICE, times: 1 });
      }
    }
    return subjects.map(({ stages }, index) => ({
      runs: runs[index]!,
      stages: stages.map((_, stage) => profiles[index]!.map(({ steps }) => steps[stage]! / 1e3)),
      none: profiles[index]!.map(({ none }) => none / 1e3),
    }));
  });
}

/** Repeats a run so long and so often; the seconds of each. */
async function repeat(
  run: () => Promise<unknown>,
  { seconds, times }: { readonly seconds: number; readonly times: number },
): Promise<number[]> {
  const found: number[] = [];
  const first = performance.now();
  for (let start = first; found.length < times || start - first < 1e3 * seconds;) {
    await run();
    const end = performance.now();
    found.push((end - start) / 1e3);
    start = end;
  }
  return found;
}
