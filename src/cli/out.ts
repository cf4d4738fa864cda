import { styleText } from "node:util";
import { fileProblem } from "../checkpoint/files/system.ts";
import { plainPaint, showDiagnostic, type Paint } from "../support/diagnostic.ts";

/** Where a command writes, and what it may read: a parameter of every command, so that tests need no process. */
export interface Out {
  /** What was asked for: standard output. */
  readonly write: (text: string) => void;
  /** What is said about it: standard error. */
  readonly note: (text: string) => void;
  /** Colours of standard output; none where it is no terminal. */
  readonly paint: Paint;
  /** Colours of standard error. */
  readonly notePaint: Paint;
  /** All bytes of standard input, or more than `most` of them if there are more. */
  readonly input: (most: number) => Promise<Uint8Array>;
  /** The lines of standard input as they come; a terminal shows the prompt in front of each. */
  readonly lines: (prompt: string) => AsyncIterable<string>;
  /** Standard error if it is a terminal, for what is drawn over and over. */
  readonly terminal?: NodeJS.WriteStream;
  /** From now on a reader that goes away does not end the process: the signal tells of it. */
  readonly outlive?: () => AbortSignal;
}

/**
 * Whether a stream gets colours: FORCE_COLOR decides if it is set (`0` and `false` say no), then NO_COLOR, then whether the
 * stream is a terminal that has colours.
 */
export function wantsColours(
  stream: { readonly isTTY?: boolean },
  { FORCE_COLOR, NO_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return (NO_COLOR ?? "") === "" && TERM !== "dumb" && stream.isTTY === true;
}

function paintOf(stream: NodeJS.WriteStream): Paint {
  if (!wantsColours(stream, process.env)) return plainPaint;
  const painter = (...format: Parameters<typeof styleText>[0][]) => {
    return (text: string): string =>
      format.reduce((painted, one) => styleText(one, painted, { validateStream: false }), text);
  };
  return {
    error: painter("red", "bold"),
    warning: painter("yellow"),
    strong: painter("bold"),
    faint: painter("dim"),
  };
}

/**
 * The streams of this process. A reader that has enough (`lmg ir … | head`) ends it quietly, if the command does not
 * outlive it; a disk that is full, with the code of a mistake. What is said on standard error may be lost.
 */
export function processOut(): Out {
  const closed = new AbortController();
  let outlives = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") {
      if (!outlives) process.exit(0);
      closed.abort();
      return;
    }
    process.stderr.write(`${showDiagnostic(fileProblem("write", "standard output", error), plainPaint)}\n`);
    process.exit(1);
  });
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") closed.abort();
  });
  return {
    outlive: () => {
      outlives = true;
      return closed.signal;
    },
    input: readAll,
    lines: readLines,
    write: (text) => process.stdout.write(text),
    note: (text) => process.stderr.write(text),
    paint: paintOf(process.stdout),
    notePaint: paintOf(process.stderr),
    ...(process.stderr.isTTY ? { terminal: process.stderr } : {}),
  };
}

async function readAll(most: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > most) break;
  }
  return Buffer.concat(chunks);
}

async function* readLines(prompt: string): AsyncGenerator<string, void> {
  const { createInterface } = await import("node:readline");
  const { stdin, stdout } = process;
  const isTerminal = stdin.isTTY && stdout.isTTY;
  const reader = createInterface({ input: stdin, ...(isTerminal ? { output: stdout } : {}), prompt });
  // What runs meanwhile listens itself. The terminal gives the key alone, so that ending the program is left to do here.
  reader.on("SIGINT", () => {
    if (process.emit("SIGINT")) return;
    reader.close();
    process.kill(process.pid, "SIGINT");
  });
  try {
    if (isTerminal) reader.prompt();
    for await (const line of reader) {
      yield line;
      if (isTerminal) reader.prompt();
    }
  } finally {
    reader.close();
  }
}

/** An answer for programs. */
export const writeJson = (out: Out, value: unknown): void => out.write(`${JSON.stringify(value, null, 2)}\n`);

/** Everything that was written, for tests. */
export class TextOut implements Out {
  readonly paint = plainPaint;
  readonly notePaint = plainPaint;
  readonly #stdin: string;
  text = "";
  notes = "";

  constructor(stdin = "") {
    this.#stdin = stdin;
  }

  readonly input = (): Promise<Uint8Array> => Promise.resolve(new TextEncoder().encode(this.#stdin));
  readonly lines = async function* (this: TextOut): AsyncGenerator<string, void> {
    const text = new TextDecoder().decode(await this.input());
    if (text !== "") yield* text.replace(/\n$/, "").split("\n");
  };
  readonly write = (text: string): void => {
    this.text += text;
  };
  readonly note = (text: string): void => {
    this.notes += text;
  };
}
