import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { TextOut } from "../../src/cli/out.ts";
import { runProgram, type ExitCode } from "../../src/cli/program.ts";

export interface Outcome {
  readonly code: ExitCode;
  /** Standard output. */
  readonly text: string;
  /** Standard error. */
  readonly notes: string;
}

/** Runs the command line in this process. */
export const lmg = (...args: string[]): Promise<Outcome> => lmgReading("", ...args);

/** The same with a text on standard input. */
export async function lmgReading(stdin: string, ...args: string[]): Promise<Outcome> {
  const out = new TextOut(stdin);
  const code = await runProgram(args, out);
  return { code, text: out.text, notes: out.notes };
}

/** Standard error of a run that must end with 1, and print nothing else. */
export async function mistake(...args: string[]): Promise<string> {
  const { code, text, notes } = await lmg(...args);
  if (code !== 1 || text !== "") throw new Error(`expected a mistake, got code ${code}:\n${text}${notes}`);
  if (/\bat .*:\d+:\d+\)?$/m.test(notes)) throw new Error(`a stack trace:\n${notes}`);
  return notes.trimEnd();
}

/** Standard output of a run that must end well and say nothing on standard error. */
export async function output(...args: string[]): Promise<string> {
  const { code, text, notes } = await lmg(...args);
  if (code !== 0 || notes !== "") throw new Error(`expected success, got code ${code}:\n${notes}`);
  return text;
}

/** Runs the tests of a file in a folder of their own that holds these files, so that messages have short paths. */
export function inFolder(files: Readonly<Record<string, string | Uint8Array>>): void {
  const before = process.cwd();
  let folder = "";
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "lmg-cli-")));
    process.chdir(folder);
    for (const [path, content] of Object.entries(files)) put(path, content);
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
}

/** Writes a file of the current folder. */
export function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** A small language model: ids in, logits out, a pre-norm edge in each layer. */
export const tinyModel = `model tiny(vocab = 11, dim = 8, depth = 2, ctx = 6) {
  config { vocab = vocab_size; dim = hidden_size; depth = num_hidden_layers }
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  repeat depth as h {
    residual pre ln: layernorm { mlp: linear(dim) -> relu }
  }
  ln_f: layernorm
  unembed(wte)
  output logits: f32[B, T, vocab]
}
`;

/** A language model of a text that trains in a moment; `settings` are lines of its `train` section. */
export const trainableModel = (
  name: string,
  ...settings: readonly string[]
): string => `model ${name}(vocab, dim = 8, ctx = 8) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  unembed(wte)
  output logits: f32[B, T, vocab]
  train {
    target next: i32[B, T]
    loss (logits, next) -> cross_entropy
    optimizer adamw(lr: 1e-2)
${settings.map((line) => `    ${line}\n`).join("")}  }
}
`;
