/** Whether the user, or the system, asked the command to end. The second time the process ends at once. */
export interface Interruption {
  readonly requested: () => boolean;
  /** No longer listens. */
  readonly close: () => void;
}

const signals = ["SIGINT", "SIGTERM"] as const;

export function listenForInterruption(onRequest: () => void): Interruption {
  let requested = false;
  const listen = (): void => {
    requested = true;
    close();
    onRequest();
  };
  const close = (): void => {
    for (const signal of signals) process.off(signal, listen);
  };
  for (const signal of signals) process.on(signal, listen);
  return { requested: () => requested, close };
}
