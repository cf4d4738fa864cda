/**
 * Generation by lmg beside llama.cpp (node-llama-cpp), and in pages of Chromium beside wllama (llama.cpp in WebAssembly), on one GGUF file,
 * interleaved: tokens a second behind a prompt and of a prompt, the start of a process to its first token, memory. How
 * to install the peers is in README.md; what is not there is left out with a word.
 *
 *     npx tsx test/bench/generate/run.ts FILE.gguf [--model MODEL.lmg] [--threads 1,2] [--rounds N] [--prompt N] [--tokens N]
 *       [--only PATTERN] [--node PATH] [--no-first]
 */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { readTokenizer } from "../../../src/cli/run/tokenizer-files.ts";
import { describeMachine } from "../cpu/machine.ts";
import { builtMain } from "./built.ts";
import { nodePeers, openInNode, type Contender, type Prompt, type Run } from "./contenders.ts";
import { firstToken, programsOf, type First, type Program } from "./first.ts";
import { readOptions } from "./options.ts";
import { openPages } from "./page.ts";
import { promptOf } from "./prompt.ts";
import { rateTable, type Rounds } from "./report.ts";

const options = readOptions(process.argv.slice(2));
const { file, threads, rounds, only } = options;

/** What each does in each round; who begins changes from round to round. */
async function inTurns<T, R>(all: readonly T[], take: (each: T) => Promise<R>): Promise<Map<T, R[]>> {
  const taken = new Map<T, R[]>(all.map((each) => [each, []]));
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < all.length; turn++) {
      const each = all[(turn + round) % all.length]!;
      taken.get(each)!.push(await take(each));
    }
  return taken;
}

const leftOut = (what: string, error: unknown): void => {
  console.log(`left out: ${what}: ${(error as Error).message.split("\n")[0]!}`);
};

async function openAll(): Promise<readonly Contender[]> {
  const opened: Contender[] = [];
  for (const peer of nodePeers(options).filter(({ name }) => name === "lmg" || only.test(name)))
    try {
      for (const count of threads) opened.push(await openInNode(peer, count, options.node));
    } catch (error) {
      if (peer.name === "lmg") throw error;
      leftOut(peer.name, error);
    }
  if (only.test("wllama"))
    try {
      opened.push(...(await openPages(options, builtMain())));
    } catch (error) {
      leftOut("wllama", error);
    }
  return opened;
}

async function measureRates(prompt: Prompt): Promise<void> {
  const contenders = await openAll();
  try {
    for (const each of contenders) await each.generate(prompt, options.tokens); // Compilers come to what is hot.
    const taken = await inTurns(contenders, (each) => each.generate(prompt, options.tokens));
    const table = (title: string, rate: (run: Run) => number): void => {
      const rows = [...taken]
        .map(([{ name, threads: count, place }, runs]): Rounds => ({
          name,
          threads: count,
          place,
          values: runs.map(rate),
          bytes: runs.at(-1)!.bytes,
        }))
        .filter(({ values }) => values.every(Number.isFinite));
      console.log(`\n${rateTable(title, rows)}`);
    };
    for (const [clock, by] of clocks) {
      table(`tokens a second ${by}, behind ${options.prompt}`, ({ decode }) =>
        rate(options.tokens - 1, decode[clock]),
      );
      table(`tokens a second ${by}, of a prompt of ${options.prompt}`, ({ prompt: length, prefill }) =>
        rate(length, prefill[clock]),
      );
    }
    tellParity(taken);
  } finally {
    for (const each of contenders) await each.close();
  }
}

/** Where other programs run beside them, what processors worked for each tells more than the time that went by. */
const clocks = [
  ["wall", "by the clock"],
  ["work", "of processor time"],
] as const;

const rate = (tokens: number, milliseconds: number): number => (1000 * tokens) / milliseconds;

/** What each generated, beside lmg in one thread. */
function tellParity(taken: ReadonlyMap<Contender, readonly Run[]>): void {
  const decode = (made: Run["made"]): string =>
    typeof made === "string" ? made : readTokenizer(file)!.decode(made);
  const all = [...taken].map(([each, runs]) => ({ ...each, made: runs.at(-1)!.made }));
  const own = all[0]!.made as readonly number[];
  console.log("");
  for (const { name, threads: count, place, made } of all) {
    const [length, same] =
      typeof made === "string"
        ? [decode(own).length, commonLength(Array.from(made), Array.from(decode(own)))]
        : [own.length, commonLength(made, own)];
    const unit = typeof made === "string" ? "characters" : "tokens";
    console.log(
      `${name} in ${place}, ${count} threads: the first ${same} of ${length} ${unit} are lmg's in one thread`,
    );
  }
}

function commonLength(a: readonly unknown[], b: readonly unknown[]): number {
  const at = a.findIndex((each, index) => each !== b[index]);
  return at < 0 ? Math.min(a.length, b.length) : at;
}

async function measureFirst(): Promise<void> {
  const programs: Program[] = [];
  for (const program of programsOf(options, builtMain(), "The history of the sea is the history of"))
    try {
      // All files are in the page cache then.
      console.log(
        `${program.name}, ${program.threads} threads: ${(await firstToken(options.node, program)).text}`,
      );
      programs.push(program);
    } catch (error) {
      leftOut(program.name, error);
    }
  const taken = await inTurns(programs, (program) => firstToken(options.node, program));
  const table = (title: string, value: (run: First) => number): void => {
    const rows = [...taken].map(([{ name, threads: count }, runs]): Rounds => ({
      name,
      threads: count,
      place: "Node",
      values: runs.map(value),
      bytes: runs.at(-1)!.bytes,
    }));
    console.log(`\n${rateTable(title, rows)}`);
  };
  table("milliseconds from the start of a process to its first token", ({ ms }) => ms);
  table("of processor time", ({ work }) => work ?? NaN);
}

console.log(
  `${describeMachine()}\nNode ${execFileSync(options.node, ["--version"], { encoding: "utf8" }).trim()}`,
);
console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(0)} MB; ${rounds} interleaved rounds`);
await measureRates(promptOf(file, options.prompt));
if (options.first) await measureFirst();
process.exit(0);
