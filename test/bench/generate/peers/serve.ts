// A contender's side of the bench, in a process of its own: it answers each line of JSON with one.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

/** What a contender does, once it has loaded the file. */
export interface Contender {
  /** Reads a prompt anew, and goes on with the likeliest token, so many times. */
  readonly generate: (prompt: readonly number[], count: number) => Promise<Generated>;
}

/** Milliseconds from the prompt to the first token, and from there to the last. */
export interface Generated {
  readonly prefill: number;
  readonly decode: number;
  readonly tokens: readonly number[];
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
    answer({ ...(await contender.generate(prompt, count)), bytes: 1024 * process.resourceUsage().maxRSS });
  }
  process.exit(0);
}
