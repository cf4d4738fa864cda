import { atomics } from "./assembler/atomics.ts";
import { drop, sequence, type I32, type Statement } from "./assembler/code.ts";
import { block, branch, branchIf, callIndirect, loop, select, when } from "./assembler/control.ts";
import { FunctionWriter, type Local } from "./assembler/function.ts";
import { i32, i64 } from "./assembler/numbers.ts";
import {
  control,
  entries,
  ENTRY_BYTES,
  MOST_THREADS,
  outcomes,
  POSITION_BYTES,
  position,
  POSITIONS_AT,
} from "./map.ts";

/**
 * Looks at a word before a thread sleeps: some 0.1 ms. Waking a thread costs 40 µs, a look nothing; fewer looks make
 * threads fall asleep between steps of one run.
 */
const LOOKS = 60_000;

/** How long rank 0 sleeps before it comes back to see whether the others are alive: 0.2 s, in nanoseconds. */
const PATIENCE = 200_000_000;

/**
 * `run(entry, rank, ranks)`: does the calls of a list from an entry on, in step with the other threads. Gives one of
 * `outcomes`; a thread that comes back `waiting` goes on at the same entry.
 */
export function writeRunner(): FunctionWriter {
  const run = new FunctionWriter(["i32", "i32", "i32"], ["i32"]);
  const entry = run.parameter(0);
  const [rank, ranks] = [run.parameter(1).get, run.parameter(2).get];
  const [what, heeded, here, outcome] = [
    run.local("i32"),
    run.local("i32"),
    run.local("i32"),
    run.local("i32"),
  ];
  const next = entry.set(i32.add(entry.get, i32.const(ENTRY_BYTES)));
  run.push(
    here.set(i32.add(i32.const(POSITIONS_AT), i32.mul(rank, i32.const(POSITION_BYTES)))),
    block((end) => [
      loop((again) => [
        i32.store(here.get, entry.get, position.ENTRY),
        what.set(i32.load(entry.get)),
        when(i32.ge_s(what.get, i32.const(0)), [
          callIndirect(0, what.get, [i32.load(entry.get, 4), rank, ranks]),
          next,
          branch(again),
        ]),
        when(i32.eq(what.get, i32.const(entries.FOLLOW)), [
          entry.set(i32.add(i32.load(i32.const(control.LIST)), i32.const(ENTRY_BYTES))),
          branch(again),
        ]),
        heeded.set(i32.load(entry.get, 4)),
        ...meeting(run, { rank, ranks, heeded: heeded.get, here: here.get }, outcome),
        branchIf(end, outcome.get),
        branchIf(end, i32.eq(what.get, i32.const(entries.LAST))),
        next,
        branch(again),
      ]),
    ]),
  );
  run.result(outcome.get);
  return run;
}

interface Thread {
  readonly rank: I32;
  readonly ranks: I32;
  /** The stops at which the run may end here. */
  readonly heeded: I32;
  /** Its position. */
  readonly here: I32;
}

const at = (address: number): I32 => i32.const(address);

/**
 * All threads meet. The last one to come says whether the run ends here, in the same word that says that all are there, so
 * that no two threads think otherwise. Whoever poisons a run changes the turn after it, so a thread that has read the turn
 * first and then the poison misses neither.
 */
function meeting(
  run: FunctionWriter,
  { rank, ranks, heeded, here }: Thread,
  outcome: Local<"i32">,
): Statement[] {
  const [turn, now, looks] = [run.local("i32"), run.local("i32"), run.local("i32")];
  const wake = drop(atomics.notify(at(control.TURN), i32.const(MOST_THREADS)));
  const come = [
    turn.set(atomics.load(at(control.TURN))),
    when(i32.eq(atomics.add(at(control.COUNT), i32.const(1)), i32.sub(ranks, i32.const(1))), [
      atomics.store(at(control.COUNT), i32.const(0)),
      now.set(
        i32.or(
          i32.and(i32.add(turn.get, i32.const(2)), i32.const(-2)),
          i32.ne(i32.and(atomics.load(at(control.STOP)), heeded), i32.const(0)),
        ),
      ),
      atomics.store(at(control.TURN), now.get),
      when(atomics.load(at(control.SLEEPERS)), [wake]),
    ]),
  ];
  const patience = select(rank, i64.const(-1), i64.const(PATIENCE));
  return [
    outcome.set(i32.const(outcomes.done)),
    when(
      i32.load(here, position.HAS_COME),
      [turn.set(i32.load(here, position.TURN)), i32.store(here, i32.const(0), position.HAS_COME)],
      come,
    ),
    block((met) => [
      looks.set(i32.const(LOOKS)),
      loop((again) => [
        now.set(atomics.load(at(control.TURN))),
        branchIf(met, i32.ne(now.get, turn.get)),
        branchIf(met, atomics.load(at(control.POISON))),
        looks.set(i32.sub(looks.get, i32.const(1))),
        branchIf(again, looks.get),
      ]),
      sequence(
        drop(atomics.add(at(control.SLEEPERS), i32.const(1))),
        drop(atomics.wait(at(control.TURN), turn.get, patience)),
        drop(atomics.add(at(control.SLEEPERS), i32.const(-1))),
      ),
      now.set(atomics.load(at(control.TURN))),
      branchIf(met, i32.ne(now.get, turn.get)),
      i32.store(here, i32.const(1), position.HAS_COME),
      i32.store(here, turn.get, position.TURN),
      outcome.set(i32.const(outcomes.waiting)),
    ]),
    when(i32.eqz(outcome.get), [
      outcome.set(
        select(
          atomics.load(at(control.POISON)),
          i32.const(outcomes.poisoned),
          i32.and(now.get, i32.const(1)),
        ),
      ),
    ]),
  ];
}
