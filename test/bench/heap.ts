import type { CDPSession, Page } from "playwright-core";

interface Attached {
  readonly sessionId: string;
}

interface Received {
  readonly sessionId: string;
  readonly message: string;
}

/** Bytes that are used in a heap, as V8 counts them, with what its arrays have elsewhere. */
interface HeapUsage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

const bytesOf = ({ usedSize, backingStorageSize = 0 }: HeapUsage): number => usedSize + backingStorageSize;

/**
 * Megabytes in use in a page and its workers after what is garbage was collected: what only grows here is kept. How much of the machine's
 * memory that takes is another question, whose answer depends on when a collector last had time.
 */
export async function heapOf(tab: Page): Promise<number> {
  const page = await tab.context().newCDPSession(tab);
  const sessions: string[] = [];
  page.on("Target.attachedToTarget", ({ sessionId }: Attached) => sessions.push(sessionId));
  await page.send("Target.setAutoAttach", {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  // Of the workers that run, each is told of once.
  while (sessions.length < tab.workers().length) await tab.waitForTimeout(20);
  await page.send("HeapProfiler.collectGarbage");
  let bytes = bytesOf(await page.send("Runtime.getHeapUsage"));
  for (const session of sessions) {
    await ask(page, session, "HeapProfiler.collectGarbage");
    bytes += bytesOf((await ask(page, session, "Runtime.getHeapUsage")) as HeapUsage);
  }
  await page.detach();
  return bytes / 2 ** 20;
}

/** Asks a worker of a page. */
function ask(page: CDPSession, sessionId: string, method: string): Promise<unknown> {
  return new Promise((done, fail) => {
    const hear = (received: Received): void => {
      if (received.sessionId !== sessionId) return;
      page.off("Target.receivedMessageFromTarget", hear);
      const { result, error } = JSON.parse(received.message) as { result?: unknown; error?: object };
      if (error === undefined) done(result);
      else fail(new Error(JSON.stringify(error)));
    };
    page.on("Target.receivedMessageFromTarget", hear);
    const message = JSON.stringify({ id: 1, method });
    page.send("Target.sendMessageToTarget", { sessionId, message }).catch(fail);
  });
}
