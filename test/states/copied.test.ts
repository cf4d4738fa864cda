import { expect, test } from "vitest";
import { planGraph } from "../../src/plan/build.ts";
import { shareLoops } from "../../src/plan/loops.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import { executionDevice } from "../webgpu/device.ts";
import { graphOf } from "./graphs.ts";
import { expectNear } from "./near.ts";
import { interpreted, sessionTargets } from "./sessions.ts";

/** States that are read after their next values have been made, so that these cannot lie in their place. */
const late = {
  "how far it moved": `  %next: f32[96] = sub(%w, %x)
  %moved: f32[96] = sub(%next, %w)
  %squares: f32[96] = square(%moved)
  %far: f32[] = reduce_sum(%squares, axes: [0])
  %peak: f32[] = reduce_max(%next, axes: [0])
  output far = %far
  output peak = %peak
  next %w = %next`,
  "what another becomes, which it read": `  %next: f32[96] = add(%w, %x)
  %after: f32[96] = mul(%next, %w)
  %low: f32[] = reduce_min(%v, axes: [0])
  output low = %low
  next %w = %next
  next %v = %after`,
  "each other": `  %sum: f32[96] = add(%w, %v)
  %less: f32[96] = sub(%v, %w)
  next %w = %less
  next %v = %sum
  output sum = %sum`,
};

const device = await executionDevice();
const targets = sessionTargets(device);

test.each(Object.entries(late))("states that say %s are copied as soon as they may be", async (_, body) => {
  const graph = graphOf(`graph late {
  input %x: f32[96]
  state %w: f32[96] = constant(0.5) "w"
  state %v: f32[96] = constant(0.5) "v"
${body}
}
`);
  const plan = planGraph(runPasses(graph, { verify: true }));
  expect(verifyPlan(plan, new Map())).toEqual([]);
  const program = { name: "late", parts: { run: graph } };
  const making = { parameters: {}, dims: {} };
  for (const { open } of targets) {
    const [session, oracle] = [await open(program, making), interpreted(program, making)];
    const random = new RandomStream(1, "late");
    for (let run = 0; run < 3; run++) {
      const x = randomTensor([96], random);
      expectNear(await session.run("run", { x }), await oracle.run("run", { x }));
    }
    expectNear(await session.readState(), await oracle.readState());
  }
});

test("one loop makes a state, compares it with what it was and puts it there", () => {
  const plan = planGraph(
    graphOf(`graph late {
  input %x: f32[96]
  state %w: f32[96] = constant(0.5) "w"
${late["how far it moved"]}
}
`),
  );
  const [loop, ...others] = shareLoops(plan);
  expect(others).toEqual([]);
  expect("steps" in loop! && loop.steps.map(({ op }) => op)).toEqual([
    ...["elementwise", "elementwise", "copy", "elementwise", "reduce_sum", "reduce_max"],
  ]);
  const homes = "steps" in loop! ? [...loop.stored].map((buffer) => plan.buffers[buffer]!.home.kind) : [];
  expect(homes.sort()).toEqual(["output", "output", "state"]);
});
