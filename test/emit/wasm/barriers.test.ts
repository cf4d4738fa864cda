import { stepsOf } from "../../../src/plan/loops.ts";
import { runPasses } from "../../../src/passes/pipeline.ts";
import { randomCase } from "../../differential/generate.ts";
import { randomTraining } from "../../differential/states.ts";
import { describe, expect, test } from "vitest";
import { calledStages } from "../../../src/emit/wasm/lists.ts";
import { KernelTable } from "../../../src/emit/wasm/kernel-table.ts";
import { kernelOf } from "../../../src/emit/wasm/kernels/table.ts";
import { meetingsOf, type CalledStage } from "../../../src/emit/wasm/meetings.ts";
import { wasmTarget } from "../../../src/emit/wasm/target.ts";
import { Names } from "../../../src/emit/module/text.ts";
import type { View } from "../../../src/kernels/view.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { operandViews, planOfPart, programOf, type Plan, type ProgramPlan } from "../../../src/plan/plan.ts";
import type { Sizes } from "../../../src/plan/stats.ts";
import { Words } from "../../../src/plan/words.ts";
import { graphOf } from "../../plan/graphs.ts";

/** The pairs of calls without a meeting between them of which one writes a word that the other reads or writes. */
function clashes(
  plan: Plan,
  calls: readonly CalledStage[],
  sizes: Sizes,
  meetings = meetingsOf(calls, plan.buffers),
): string[] {
  const words = new Words(plan, sizes);
  const wordsOf = (views: readonly View[]) => new Set(views.flatMap((view) => [...words.of(view)]));
  const touched = calls.map(({ stage }) => {
    const made = new Set(stepsOf(stage).flatMap(({ results }) => results.map(({ buffer }) => buffer)));
    const isStored = ({ buffer }: View) =>
      !("steps" in stage) || stage.stored.has(buffer) || !made.has(buffer);
    return {
      reads: wordsOf(stepsOf(stage).flatMap(operandViews).filter(isStored)),
      writes: wordsOf(
        stepsOf(stage)
          .flatMap(({ results }) => results)
          .filter(isStored),
      ),
    };
  });
  const found: string[] = [];
  for (let first = 0; first < calls.length; first++)
    for (let second = first + 1; second < calls.length; second++) {
      const isApart = second - 1 > first && calls[second - 1]!.call.kernel.phases > 1;
      if (meetings[second]!.before || isApart) break;
      const [a, b] = [touched[first]!, touched[second]!];
      const common = [...b.writes].some((word) => a.reads.has(word) || a.writes.has(word));
      if (common || [...b.reads].some((word) => a.writes.has(word))) found.push(`${first} and ${second}`);
    }
  return found;
}

function calledOf(plan: Plan): { readonly plan: Plan; readonly calls: readonly CalledStage[] } {
  const program: ProgramPlan = programOf(plan);
  const part = program.parts[0]!;
  const calls = calledStages(program, part, new KernelTable(new Names(), kernelOf));
  return { plan: planOfPart(program, part), calls };
}

const planned = (text: string) => calledOf(planGraph(graphOf(text), { target: wasmTarget }));

/** Whether threads meet before each call. */
const meetsBefore = ({ plan, calls }: ReturnType<typeof planned>): boolean[] =>
  meetingsOf(calls, plan.buffers).map(({ before }) => before);

describe("threads meet", () => {
  test("before a step that reads what the last one made, and not between steps that read the same", () => {
    const made = planned(`
      dim B
      input %x: f32[B, 4]
      %a: f32[B, 4] = softmax(%x, axis: 1)
      %b: f32[B, 4] = cumsum(%x, axis: 1)
      %c: f32[B, 4] = cumsum(%a, axis: 1)
      output b = %b
      output c = %c`);
    expect(meetsBefore(made)).toEqual([false, false, true]);
  });
});

/** Graphs and programs of a seed, as plans for these kernels. */
function* randomPlans(seed: number): Generator<Plan> {
  yield planGraph(runPasses(randomCase(seed).graph), { target: wasmTarget });
  const training = randomTraining(seed);
  for (const part of training?.plan.parts ?? []) yield planOfPart(training!.plan, part);
}

const sizesOf = ({ symbols }: Plan): Sizes =>
  new Map(symbols.map(({ name, max = 3 }, index) => [name, Math.min(max, 2 + (index % 2))]));

test.each(Array.from({ length: 40 }, (_, index) => 7_000 + index))(
  "no two steps of the graphs of seed %i touch one word without a meeting between them",
  (seed) => {
    for (const plan of randomPlans(seed)) {
      const { calls } = calledOf(plan);
      expect(clashes(plan, calls, sizesOf(plan))).toEqual([]);
    }
  },
);

test("the check sees a meeting that is missing", () => {
  const { plan, calls } = planned(`
    dim B
    input %x: f32[B, 4]
    %a: f32[B, 4] = softmax(%x, axis: 1)
    %c: f32[B, 4] = cumsum(%a, axis: 1)
    output c = %c`);
  const none = calls.map(() => ({ before: false, changesState: false }));
  expect(clashes(plan, calls, new Map([["B", 2]]), none)).toEqual(["0 and 1"]);
});
