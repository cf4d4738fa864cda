import { stepComment } from "../../src/emit/module/comments.ts";
import type { Plan } from "../../src/plan/plan.ts";

/** Milliseconds that this process has had a processor. */
export const clock = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

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
    `const clock = ${clock.toString()};`,
    `export const stepTimes = new Float64Array(${plan.steps.length});`,
    parts.join(""),
  ].join("\n");
}

const tick = (index: number): string => `stepTimes[${index}] = clock() - last; last = clock();\n`;
