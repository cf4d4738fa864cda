// A contender's side of the bench, in a process of its own: it answers each line of JSON with one.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

/** What a contender does, once it has loaded the file. */
export interface Contender {
  /** Forgets what it has read. */
  readonly clear: () => unknown;
  /** Reads a prompt, and goes on with the likeliest token, without an end. */
  readonly tokens: (prompt: readonly number[]) => AsyncIterable<number>;
}

/** Milliseconds that went by, and those that processors worked for this process meanwhile. */
interface Time {
  readonly wall: number;
  readonly work: number;
}

/** From the prompt to the first token, and from there to the last. */
export interface Generated {
  readonly prefill: Time;
  readonly decode: Time;
  readonly tokens: readonly number[];
}

const now = (): Time => {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), work: (user + system) / 1000 };
};

const between = (start: Time, end: Time): Time => ({
  wall: end.wall - start.wall,
  work: end.work - start.work,
});

async function generate(
  { clear, tokens }: Contender,
  prompt: readonly number[],
  count: number,
): Promise<Generated> {
  await clear();
  const start = now();
  let first = start;
  const made: number[] = [];
  for await (const token of tokens(prompt)) {
    if (made.push(token) === 1) first = now();
    if (made.length >= count) break;
  }
  return { prefill: between(start, first), decode: between(first, now()), tokens: made };
}

const answer = (value: unknown): void => {
  writeSync(1, `${JSON.stringify(value)}\n`);
};

/** Says that the file is loaded, then answers `{ prompt, count }` by what was generated, with the memory that the process had at most. */
export async function serve(load: () => Promise<Contender>): Promise<void> {
  const contender = await load();
  answer({});
  for await (const line of createInterface({ input: process.stdin })) {
    const { prompt, count } = JSON.parse(line) as {
      readonly prompt: readonly number[];
      readonly count: number;
    };
    answer({ ...(await generate(contender, prompt, count)), bytes: 1024 * process.resourceUsage().maxRSS });
  }
  process.exit(0);
}
