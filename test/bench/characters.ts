/**
 * How fast `lmg generate` goes on with the character model (examples/chars.lmg), from its first piece of text to its last:
 *
 *     npx tsx test/bench/characters.ts [RUN] [--rounds N] [--tokens N] [--threads N]
 *
 * Without the folder of a training the model is trained for a moment: how fast it writes does not depend on what it has
 * learned. Texts begin within the context of 64 characters and go on beyond it. Ends with 1 below 2,000 tokens a second.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { TextOut } from "../../src/cli/out.ts";
import { runProgram } from "../../src/cli/program.ts";
import { wholeNumber } from "./options.ts";
import { median } from "./statistics.ts";

const GOAL = 2000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "7" },
    tokens: { type: "string", default: "2000" },
    threads: { type: "string", default: "1" },
  },
});
const tokens = wholeNumber("tokens", values);
const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "lmg-characters-"));

/** When pieces of a text come: milliseconds of the clock, and of what processors work for this process. */
class Watch extends TextOut {
  readonly marks: { readonly wall: number; readonly work: number }[] = [];
  override readonly write = (): void => {
    const { user, system } = process.cpuUsage();
    this.marks.push({ wall: performance.now(), work: (user + system) / 1000 });
  };
}

async function run(out: TextOut, ...args: string[]): Promise<void> {
  if ((await runProgram(args, out)) !== 0) throw new Error(out.notes);
}

async function trained(): Promise<string> {
  const book = gunzipSync(readFileSync(join(root, "examples/data/moby-dick-validation.txt.gz")));
  const data = join(folder, "book.txt");
  writeFileSync(data, book.subarray(0, 100_000));
  const made = join(folder, "chars");
  const model = join(root, "examples/chars.lmg");
  await run(new TextOut(""), "train", model, "--data", data, "-o", made, "--steps", "3");
  return made;
}

try {
  const model = positionals[0] ?? (await trained());
  const rates: { readonly wall: number; readonly work: number }[] = [];
  for (let round = 0; round < wholeNumber("rounds", values); round++) {
    const out = new Watch("");
    await run(out, "generate", model, "--tokens", String(tokens), "--threads", values.threads, "--seed", "1");
    // The prompt stands there first, and a line ends the text.
    const [, first, ...rest] = out.marks;
    const last = rest.at(-2)!;
    const rate = (clock: "wall" | "work"): number => (1000 * (tokens - 1)) / (last[clock] - first![clock]);
    rates.push({ wall: rate("wall"), work: rate("work") });
  }
  const wall = median(rates.map((rate) => rate.wall));
  const work = median(rates.map((rate) => rate.work));
  const shown = (rate: number): string => Math.round(rate).toLocaleString("en-US");
  console.log(
    `${tokens} tokens of ${positionals[0] ?? "examples/chars.lmg"}, ${values.threads} threads, medians of ${values.rounds}: ` +
      `${shown(wall)} tokens a second by the clock, ${shown(work)} of processor time`,
  );
  process.exitCode = work >= GOAL ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
