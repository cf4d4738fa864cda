/**
 * The first bytes of the memory, by address. Words 0 to 63 are for how threads meet and start; then what kernels refuse;
 * then constants, weights, states, and the arena of runs.
 */

/** Threads at most. */
export const MOST_THREADS = 32;

/** What a thread refused: 16 bytes a rank. The kind (0: nothing), the index, what it must be below, the record's address. */
export const REFUSALS_AT = 256;

/** Where the table of constants begins. */
export const CONSTANTS_AT = 1024;

/** What a caller got wrong, as its number in memory. */
export const refusalKinds = { id: 1, target: 2, index: 3 } as const;
