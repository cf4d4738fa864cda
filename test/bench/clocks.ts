import { WASI } from "node:wasi";
import { stepComment } from "../../src/emit/module/comments.ts";
import type { Plan } from "../../src/plan/plan.ts";

/** WASI's number of the clock of a process. */
const PROCESS_CLOCK = 2;

/**
 * Milliseconds that this process has had a processor, to the nanosecond. WASI has the clock of the system's own;
 * `process.cpuUsage` moves at ticks of the kernel alone, some 4 ms each.
 */
export const clock = processorClock();

function processorClock(): () => number {
  const emitWarning = process.emitWarning.bind(process);
  // WASI says that it is experimental.
  process.emitWarning = () => undefined;
  const wasi = new WASI({ version: "preview1" });
  process.emitWarning = emitWarning;
  const memory = new WebAssembly.Memory({ initial: 1 });
  wasi.initialize({ exports: { memory } });
  const nanoseconds = new BigUint64Array(memory.buffer, 0, 1);
  const read = wasi.wasiImport["clock_time_get"] as (clock: number, precision: bigint, at: number) => number;
  return () => {
    read(PROCESS_CLOCK, 0n, 0);
    return Number(nanoseconds[0]) / 1e6;
  };
}

/** Where modules of text find the clock. */
const CLOCK = "processorClock";
Object.assign(globalThis, { [CLOCK]: clock });

export async function open<M>(text: string): Promise<M> {
  return (await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`)) as M;
}

/** A module that `withClocks` made. */
export interface Clocked {
  readonly stepTimes: Float64Array;
}

/** The module with a clock after every step of its plan: milliseconds that step i took in `stepTimes[i]`. */
export function withClocks(text: string, plan: Plan): string {
  let at = text.indexOf("function run(");
  const parts = [text.slice(0, at)];
  plan.steps.forEach((step, index) => {
    const next = text.indexOf(`    ${stepComment(step)}\n`, at + 1);
    parts.push(text.slice(at, next), index === 0 ? "last = clock();\n" : tick(index - 1));
    at = next;
  });
  const end = text.indexOf("    return {", at);
  parts.push(text.slice(at, end), tick(plan.steps.length - 1), text.slice(end));
  return [
    "let last = 0;",
    `const clock = globalThis.${CLOCK};`,
    `export const stepTimes = new Float64Array(${plan.steps.length});`,
    parts.join(""),
  ].join("\n");
}

const tick = (index: number): string => `stepTimes[${index}] = clock() - last; last = clock();\n`;
