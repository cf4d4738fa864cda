/** An AbortSignal, as far as a session asks it: programs without `dom` or @types/node have no such type. */
export interface StopSignal {
  readonly aborted: boolean;
  readonly throwIfAborted: () => void;
}
