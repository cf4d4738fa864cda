import { describe, expect, test } from "vitest";
import { makeDispatches, memoryName } from "../../../src/emit/wgsl/dispatches.ts";
import { targetOf } from "../../../src/emit/wgsl/target.ts";
import { randomInputs } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import type { Graph, Value } from "../../../src/ir/graph.ts";
import { runPasses } from "../../../src/passes/pipeline.ts";
import { planGraph } from "../../../src/plan/build.ts";
import { programOf } from "../../../src/plan/plan.ts";
import { dim } from "../../../src/tensor/dim.ts";
import { executionDevice } from "../../webgpu/device.ts";
import { f32, GraphBuilder, i32 } from "./graphs.ts";
import { runOn } from "./module.ts";
import { expectNear } from "./near.ts";

const device = await executionDevice();

const dispatchesOf = (graph: Graph): readonly string[] =>
  makeDispatches(programOf(planGraph(graph)), targetOf({})).parts[0]!.steps.map(
    ({ dispatches }) => dispatches[0]!.kernelName,
  );

async function check(graph: Graph): Promise<void> {
  if (device === undefined) return;
  const inputs = randomInputs(graph, {}, 3);
  const expected = interpret(graph, { inputs, parameters: {} });
  const found = await runOn(device, graph, { inputs, parameters: {} });
  // Float32 against float64 after a few operations on numbers near 1.
  for (const [name, tensor] of Object.entries(expected)) expectNear(found[name]!, tensor, 1e-5);
}

describe("neighbouring elementwise steps over the same elements", () => {
  test("are one dispatch, also where one number is for all, but for what takes over memory of another type", async () => {
    const b = new GraphBuilder();
    const [x, y, gain] = [b.input(f32(3, 65)), b.input(f32(3, 65)), b.input(f32())];
    const [a] = b.node("mul", { x, y: gain }, {});
    const [sum] = b.node("add", { x: a!, y }, {});
    const [isMore] = b.node("gt", { x: a!, y: sum! }, {});
    const [chosen] = b.node("where", { condition: isMore!, x: a!, y: sum! }, {});
    const graph = b.graph([sum!, chosen!]);
    expect(dispatchesOf(graph)).toEqual(["each_mul_add", "each_gt_where"]);
    await check(graph);
  });

  test.each([
    [100, ["each_mul_square_sum"]],
    [20_000, ["each_mul_square_sum", "reduce_sum_of_parts"]],
  ])("end in a sum of %d elements", async (size, dispatches) => {
    const b = new GraphBuilder();
    const [x, y] = [b.input(f32(size)), b.input(f32(size))];
    const [a] = b.node("mul", { x, y }, {});
    const [square] = b.node("square", { x: a! }, {});
    const [sum] = b.node("reduce_sum", { x: square! }, { axes: [0] });
    const graph = b.graph([a!, sum!]);
    expect(dispatchesOf(graph)).toEqual(dispatches);
    await check(graph);
  });

  test("leave a sum out that takes over memory of another type", async () => {
    const b = new GraphBuilder();
    const [x, ids] = [b.input(f32(65)), b.input(i32(65))];
    const [zero] = b.node("full", {}, { dtype: "i32", shape: [], value: 0 });
    const [isZero] = b.node("eq", { x: ids, y: zero! }, {});
    const [chosen] = b.node("where", { condition: isZero!, x, y: ids }, {});
    const [sum] = b.node("reduce_sum", { x: chosen! }, { axes: [0] });
    const [y] = b.node("tanh", { x: sum! }, {});
    const graph = runPasses(b.graph([y!]));
    const { buffers } = planGraph(graph);
    const homes = ["x1", "reduce_sum"].map((name) => buffers.find((buffer) => buffer.name === name)!.home);
    expect(homes[1]).toEqual(homes[0]);
    expect(dispatchesOf(graph)).toEqual(["each_eq_where", "reduce_sum", "each_tanh"]);
    await check(graph);
  });

  test("are several where they would bind more than eight buffers", async () => {
    const b = new GraphBuilder();
    const inputs = Array.from({ length: 10 }, () => b.input(f32(65)));
    let sum = inputs[0]!;
    const outputs: Value[] = [];
    for (const y of inputs.slice(1)) outputs.push((sum = b.node("add", { x: sum, y }, {})[0]!));
    const graph = b.graph([outputs.at(-1)!]);
    expect(dispatchesOf(graph)).toEqual(["each_add_add_add_and_4_more", "each_add_add"]);
    await check(graph);
  });

  test("are several where one would write what another invocation has still to read", async () => {
    const b = new GraphBuilder();
    const [x, y] = [b.input(f32(1024)), b.input(f32(512))];
    const [u] = b.node("exp", { x }, {});
    const [upper] = b.node("slice", { x: u! }, { axis: 0, start: dim(512), size: dim(512) });
    const [p] = b.node("add", { x: upper!, y }, {});
    const [q] = b.node("mul", { x: p!, y }, {});
    const [total] = b.node("reduce_sum", { x: q! }, { axes: [0] });
    const [other] = b.node("reduce_sum", { x: y }, { axes: [0] });
    const graph = b.graph([total!, other!, p!]);
    const plan = planGraph(graph);
    const [exp, , mul] = plan.steps.map(({ results }) => memoryName(plan.buffers[results[0]!.buffer]!));
    expect(exp).toBe(mul);
    expect(dispatchesOf(graph)).toEqual(["each_exp", "each_add", "each_mul_sum", "reduce_sum"]);
    await check(graph);
  });
});
