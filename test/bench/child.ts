import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";

/** Milliseconds that an answer takes at most; the longest runs of benchmarks answer within one minute. */
const PATIENCE = 600_000;

/** A process that answers each line of JSON with one, and says a line before all. */
export class Child {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  /** Resolves when the process is no more. */
  readonly ended: Promise<void>;
  #errors = "";
  #end = "";

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(command, args, { env: { ...process.env, ...env } });
    this.#child.on("error", (error) => (this.#errors += error.message));
    this.ended = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => {
        this.#end = String(signal ?? code);
        resolve();
      });
    });
    this.#child.stdin.on("error", () => undefined);
    this.#child.stderr.on("data", (data: Buffer) => (this.#errors += data.toString()));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask(request: unknown): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.next();
  }

  /**
   * The next line; if the process has ended, throws with what it last wrote to its error stream: why it ended. A process that
   * says nothing for too long is ended: libraries have been seen to wait for their own threads without end.
   */
  async next(): Promise<unknown> {
    const timer = setTimeout(() => {
      this.#errors += `\nerror: no answer in ${PATIENCE / 60_000} minutes`;
      this.#child.kill("SIGKILL");
    }, PATIENCE);
    const line = await this.#lines.next().finally(() => clearTimeout(timer));
    if (line.done !== true) return JSON.parse(line.value);
    const lines = this.#errors.trim().split("\n");
    throw new Error(
      lines.findLast((text) => /error|cannot|no module/i.test(text)) ??
        (lines.at(-1) || `ended: ${this.#end}`),
    );
  }

  close(): void {
    this.#child.kill();
  }
}
