/* The worker of a page that `lmg compile --generate` wrote: all that is not shown happens here. */
import type { ErrorRecord, OpenMessage, ToPage, ToWorker, WriteMessage } from "./messages.ts";
import { openModel, type OpenModel } from "./open.ts";
import { writeText } from "./write.ts";

/** What the global object of a worker has, as far as it is needed here. */
interface WorkerPort {
  onmessage: (event: { readonly data: ToWorker }) => void;
  readonly postMessage: (message: ToPage) => void;
}

const port = globalThis as unknown as WorkerPort;

let opening: Promise<OpenModel> | undefined;
/** What ends each text that is written, or waits for its turn. */
const stops = new Map<number, AbortController>();
let last: Promise<void> = Promise.resolve();

port.onmessage = ({ data }) => {
  if (data.kind === "open") {
    opening = open(data);
    opening.catch((error: unknown) => {
      port.postMessage({ kind: "refused", error: recordOf(error) });
    });
  } else if (data.kind === "stop") stops.get(data.call)?.abort();
  else {
    stops.set(data.call, new AbortController());
    last = last.then(() => write(data));
  }
};

async function open(message: OpenMessage): Promise<OpenModel> {
  await lockHeld(message.lock);
  port.postMessage({ kind: "alive" });
  const model = await openModel(message, (progress) => {
    port.postMessage({ kind: "progress", progress });
  });
  port.postMessage({ kind: "opened", facts: model.facts });
  return model;
}

/** Holds a lock for as long as this worker lives, if the page may have locks. */
const lockHeld = (name: string): Promise<void> =>
  new Promise((go) => {
    const locks = navigator.locks as LockManager | undefined;
    if (locks === undefined) go();
    else
      locks
        .request(name, () => {
          go();
          return new Promise(() => undefined);
        })
        .catch(() => {
          go();
        });
  });

async function write({ call, from, options }: WriteMessage): Promise<void> {
  const { signal } = stops.get(call)!;
  try {
    const result = await writeText((await opening)!, { from, options }, signal, (text) => {
      port.postMessage({ kind: "text", call, text });
    });
    port.postMessage({ kind: "ended", call, result });
  } catch (error) {
    port.postMessage({ kind: "failed", call, error: recordOf(error) });
  } finally {
    stops.delete(call);
  }
}

const recordOf = (error: unknown): ErrorRecord =>
  error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };
