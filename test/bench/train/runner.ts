import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";

/** A child process that trains when told to. */
export interface RunnerKind {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Only for its losses: it is not timed. */
  readonly judge?: boolean;
}

export interface Answer {
  readonly ms: readonly number[];
  /** Milliseconds a step that processors worked for it. */
  readonly cpu: number;
  readonly losses: readonly number[];
}

/** One line of JSON each way: `{first, count}` to it, `{ms, cpu, losses}` back, and its version before all. */
export class Runner {
  readonly kind: RunnerKind;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  constructor(kind: RunnerKind, threads: number) {
    this.kind = kind;
    const count = String(threads);
    const env = { ...process.env, OMP_NUM_THREADS: count, MKL_NUM_THREADS: count };
    this.#child = spawn(kind.command, kind.args, { env });
    this.#child.on("error", (error) => (this.#errors += error.message));
    this.#child.stdin.on("error", () => undefined);
    this.#child.stderr.on("data", (data: Buffer) => (this.#errors += data.toString()));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** What it runs, in words. */
  version = async (): Promise<string> => ((await this.#line()) as { readonly version: string }).version;

  async run(first: number, count: number): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify({ first, count })}\n`);
    return (await this.#line()) as Answer;
  }

  close(): void {
    this.#child.kill();
  }

  /** What it last wrote to its error stream: why it ended. */
  async #line(): Promise<unknown> {
    const line = await this.#lines.next();
    if (line.done !== true) return JSON.parse(line.value);
    const lines = this.#errors.trim().split("\n");
    throw new Error(lines.findLast((text) => /error|cannot|no module/i.test(text)) ?? lines.at(-1));
  }
}
