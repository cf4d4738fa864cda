import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { peerScript } from "./contenders.ts";
import type { Options } from "./options.ts";

/** The start of a process to its first token. */
export interface First {
  readonly ms: number;
  /** Milliseconds that processors worked for it until then; unknown where the system does not tell. */
  readonly work: number | undefined;
  /** Bytes of memory that the process had at most until then; unknown where the system does not tell. */
  readonly bytes: number | undefined;
  readonly text: string;
}

/** A program that writes one token behind a prompt. */
export interface Program {
  readonly name: string;
  readonly threads: number;
  readonly args: readonly string[];
}

/** `lmg run` as it is installed, and the program that node-llama-cpp's users write. */
export function programsOf(
  { file, model, threads, only }: Options,
  main: string,
  prompt: string,
): readonly Program[] {
  const named = model === undefined ? [file] : [model, "--weights", file];
  const all = threads.flatMap((count) => [
    {
      name: "lmg",
      threads: count,
      args: [main, "run", ...named, "--prompt", prompt, "--generate", "1", "--threads", String(count)],
    },
    {
      name: "llama.cpp",
      threads: count,
      args: [peerScript("first-llama.js"), file, String(count), prompt],
    },
  ]);
  return all.filter(({ name }) => name === "lmg" || only.test(name));
}

/** Runs a program until it has written the token, which a line ends. */
export async function firstToken(node: string, { args }: Program): Promise<First> {
  const start = performance.now();
  const child = spawn(node, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [text, errors] = ["", ""];
  child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
  const ended = new Promise((resolve) => child.on("close", resolve));
  const first = await new Promise<Omit<First, "text"> | undefined>((resolve) => {
    child.stdout.on("data", (data: Buffer) => {
      text += data.toString();
      if (text.endsWith("\n"))
        resolve({ ms: performance.now() - start, work: workOf(child.pid), bytes: mostMemory(child.pid) });
    });
    child.on("close", () => {
      resolve(undefined);
    });
  });
  await ended;
  if (first === undefined) throw new Error(errors.trim().split("\n").at(-1) ?? "it wrote nothing");
  return { ...first, text: text.trimEnd() };
}

/** The system counts hundredths of a second. */
function workOf(pid: number | undefined): number | undefined {
  try {
    const behindName = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return 10 * (Number(behindName[11]) + Number(behindName[12]));
  } catch {
    return undefined;
  }
}

function mostMemory(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
  } catch {
    return undefined; // Another system, or it has ended.
  }
}
