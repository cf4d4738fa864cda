import { Child } from "../child.ts";

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

/** `{first, count}` to it, `{ms, cpu, losses}` back, and its version before all. */
export class Runner {
  readonly kind: RunnerKind;
  readonly #child: Child;

  constructor(kind: RunnerKind, threads: number) {
    this.kind = kind;
    const count = String(threads);
    this.#child = new Child(kind.command, kind.args, { OMP_NUM_THREADS: count, MKL_NUM_THREADS: count });
  }

  /** What it runs, in words. */
  version = async (): Promise<string> => ((await this.#child.next()) as { readonly version: string }).version;

  run = async (first: number, count: number): Promise<Answer> =>
    (await this.#child.ask({ first, count })) as Answer;

  close(): void {
    this.#child.close();
  }
}
