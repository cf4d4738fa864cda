/**
 * Whether the user, or the system, asked the command to end, or nobody reads any more what it says. The second signal
 * ends the process at once.
 */
export interface Interruption {
  readonly requested: () => boolean;
  /** No longer listens. */
  readonly close: () => void;
}

/** Of Ctrl-C, of a system that ends, and of a terminal or a connection that is closed. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** `unread` is aborted when nobody reads what the command says. */
export function listenForInterruption(onRequest: () => void, unread: AbortSignal | undefined): Interruption {
  let requested = unread?.aborted ?? false;
  const listen = (): void => {
    requested = true;
    close();
    onRequest();
  };
  const close = (): void => {
    for (const signal of signals) process.off(signal, listen);
    unread?.removeEventListener("abort", listen);
  };
  for (const signal of signals) process.on(signal, listen);
  unread?.addEventListener("abort", listen);
  return { requested: () => requested, close };
}
