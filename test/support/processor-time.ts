/**
 * The processor's time that a run takes in this process, in milliseconds. Unlike the time of a clock it does not count what
 * other work on the machine takes, so that a limit of several times what is expected holds on a machine that is busy.
 */
export function processorTime(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The least of several runs, which collections of garbage and compilers disturb least. */
export const leastProcessorTime = (run: () => unknown, times = 5): number =>
  Math.min(...Array.from({ length: times }, () => processorTime(run)));
