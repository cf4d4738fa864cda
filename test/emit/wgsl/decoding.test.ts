import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { dispatchReport } from "../../../src/emit/wgsl/fit.ts";
import { targetOf } from "../../../src/emit/wgsl/target.ts";
import { planProgram } from "../../../src/plan/build.ts";
import { layoutOf } from "../../../src/plan/layout.ts";
import { leastBytes } from "../../../src/plan/least-bytes.ts";
import { planOfPart } from "../../../src/plan/plan.ts";
import { derived } from "../../incremental/models.ts";

/** Positions before the token that is read. */
const PAST = 511;

/** The dispatches of a token, and the bytes that they read and write. */
function tokenOf(name: string): {
  readonly dispatches: number;
  readonly bytes: number;
  readonly least: number;
} {
  const text = readFileSync(new URL(`../../../examples/${name}.lmg`, import.meta.url), "utf8");
  const target = targetOf({});
  const { program } = derived(compile({ name: `${name}.lmg`, text }).model!.graph, { target });
  const plan = planProgram(program, { target });
  const step = plan.parts.find((part) => part.name === "step")!;
  const sizes = new Map(Object.entries({ B: 1, P: PAST, C: 1024 }));
  const whole = planOfPart(plan, step);
  const { dispatches } = dispatchReport(whole, sizes);
  const bytes = dispatches.reduce((sum, each) => sum + each.bytesRead + each.bytesWritten, 0);
  const least = leastBytes(whole, sizes, layoutOf(whole, target));
  return { dispatches: dispatches.length, bytes, least };
}

/** What nobody can do without: each weight once, and keys and values of all positions. */
const neededBytes = (weights: number, layers: number, keyWidth: number): number =>
  4 * (weights + layers * 2 * (PAST + 1) * keyWidth);

test.each([
  // Of GPT-2, 124,439,808 weights but for the table of positions: 10 dispatches a layer, of which attention is two, and 5.
  ["gpt2", 10 * 12 + 5, neededBytes(124_439_808 - 1024 * 768, 12, 768)],
  // Of Llama 2 7B, 6,738,415,616 weights but for the table of tokens: 13 a layer, and 4.
  ["llama", 13 * 32 + 4, neededBytes(6_738_415_616 - 32_000 * 4096, 32, 4096)],
] as const)(
  "a token of %s is %i dispatches, which move what they must and little else",
  (name, most, least) => {
    const { dispatches, bytes, least: found } = tokenOf(name);
    // What is looked up of tables of tokens and positions is a row each.
    expect(found / least).toBeGreaterThanOrEqual(1);
    expect(found / least).toBeLessThan(1.0001);
    expect(dispatches).toBe(most);
    expect(bytes / least).toBeGreaterThan(1);
    // Activations of one row are a few thousand numbers beside millions of weights.
    expect(bytes / least).toBeLessThan(1.01);
  },
);
