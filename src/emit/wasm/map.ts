/**
 * The first bytes of the memory, by address. Here threads meet and say what becomes of a run; after it lie constants, lists
 * of calls, weights, states, and the arena of runs.
 */

/** Threads at most. */
export const MOST_THREADS = 32;

/** What all threads read: a line of a core's cache that is seldom written. */
export const control = {
  /** The turn of meetings, which whoever sleeps waits for. Counts in twos; odd if the run ends at the meeting. */
  TURN: 0,
  /** Why no thread is to go on: one more than the rank that failed, or `CLOSED`; else 0. */
  POISON: 4,
  /** What a run is to end for, as bits of `stops`. */
  STOP: 8,
  /** The list of calls of the run. */
  LIST: 12,
  /** What a thread does between two runs: it meets the others, then goes to the list. Two entries. */
  IDLE: 16,
  /** How many have come to the meeting. */
  COUNT: 64,
  /** How many sleep there. */
  SLEEPERS: 68,
} as const;

/** What a run ends for at a meeting that heeds it. */
export const stops = { refused: 1, aborted: 2 } as const;

/** The poison of a model that was closed. */
export const CLOSED = 64;

/** What a thread refused: 16 bytes a rank. The kind (0: nothing), the index, what it must be below, the record's address. */
export const REFUSALS_AT = 256;

/** Where each thread is, a line of cache a rank. */
export const POSITIONS_AT = 1024;
export const POSITION_BYTES = 64;

/** Of a position: the entry of the list; whether the thread has come to the meeting there; the turn that it had then. */
export const position = { ENTRY: 0, HAS_COME: 4, TURN: 8 } as const;

/** Where the table of constants begins. */
export const CONSTANTS_AT = 4096;

/** What a caller got wrong, as its number in memory. */
export const refusalKinds = { id: 1, target: 2, index: 3 } as const;

/**
 * Entries of a list, two words each. A function of the table with the record of its call; a meeting with the stops that it
 * heeds; the last one; and the way from `IDLE` to the list, whose first entry, the meeting that was just held, is left out.
 */
export const entries = { MEET: -1, LAST: -2, FOLLOW: -3 } as const;
export const ENTRY_BYTES = 8;

/** How a thread comes back from a list: at its end, for a stop, for a poison, or to look after other things while it waits. */
export const outcomes = { done: 0, stopped: 1, poisoned: 2, waiting: 3 } as const;
