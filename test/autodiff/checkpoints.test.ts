import { describe, expect, test } from "vitest";
import type { Checkpoints } from "../../src/autodiff/checkpoints.ts";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { initialTensors, randomInputs } from "../../src/ir/initialize.ts";
import { interpretRun } from "../../src/ir/interpret.ts";
import { printGraph } from "../../src/ir/print.ts";
import { readGraph } from "../../src/ir/read.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import { planGraph } from "../../src/plan/build.ts";
import { operandViews, type Plan, type Step } from "../../src/plan/plan.ts";
import { planTotals } from "../../src/plan/stats.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import { cpuTargets, instantiate, type CpuTarget } from "../emit/cpu.ts";
import { torchOptimizer, trainingGraph } from "./classifier.ts";

const adamw = torchOptimizer("adamw", { weight_decay: 0.1 });

const model = (inputs: string, body: string, train: string): string => `
model m(dim = 8) {
  ${inputs}
  ${body}
  train { ${train} }
}
`;

const languageModel = (body: string): string =>
  model(
    "input tokens: i32[B, T]; wte: embedding(7, dim)",
    `${body}; ln_f: layernorm; unembed(wte); output logits: f32[B, T, 7]`,
    "target next: i32[B, T]; loss (logits, next) -> cross_entropy; metric (logits, next) -> accuracy",
  );

const rowModel = (body: string): string =>
  model(
    "input x: f32[B, dim]",
    `${body}; output y: f32[B, dim]`,
    "target t: f32[B, dim]; loss (y, t) -> mean_squared_error",
  );

const layer = `
    residual pre ln_1: layernorm { attn: attention(2, causal: true) -> dropout(0.2) }
    residual pre ln_2: rmsnorm { mlp: ffn(4 * dim, act: gelu) -> dropout(0.2) }`;

/** Models whose iterations differ in what comes in, what leaves, and what is drawn. */
const models: Readonly<Record<string, string>> = {
  "a language model with dropout": languageModel(`repeat 3 checkpoint as h {${layer}\n}`),
  "a repeat that reads the input of the model": rowModel(
    "repeat 3 checkpoint as h { residual { fc: linear(dim) -> tanh } }",
  ),
  "post-norm edges with gains": rowModel(
    "repeat 3 checkpoint as h { residual post n: layernorm, skip 1.2, branch a: scale([1], init: 0.5) { fc: linear(dim) -> silu } }",
  ),
  "weights that all iterations share": rowModel(
    "repeat 3 checkpoint shared { residual pre n: rmsnorm { fc: linear(dim) -> gelu } }",
  ),
  "checkpoints in checkpoints": rowModel(
    "repeat 3 checkpoint as h { up: linear(dim); repeat 3 checkpoint as l { residual pre n: rmsnorm { fc: linear(dim) -> gelu } } }",
  ),
  "values that later iterations read": rowModel(
    "repeat 4 checkpoint as h[i] { residual { fc: linear(dim) -> tanh }; stream as level; if i > 1 { stream * h[i - 2].level } }\nstream + h[0].level",
  ),
  "a value that iterations carry on": rowModel(
    "r = stream\nrepeat 3 checkpoint as h { f = fc: linear(dim) -> gelu; r = r + f; f -> n: layernorm }\nstream + (r -> n: layernorm)",
  ),
  "branches that run side by side": rowModel(
    "repeat 2 checkpoint as h { parallel { repeat 2 as e { fc: linear(dim) -> gelu } } }\nout: linear(dim)",
  ),
  "batch statistics": rowModel(
    "repeat 3 checkpoint as h { residual { fc: linear(dim) -> bn: batchnorm -> relu } }",
  ),
  "a choice of experts": rowModel(
    "repeat 2 checkpoint as h { share = gate: linear(4) -> softmax\n residual { parallel { repeat 4 as e[i] { f: linear(dim) -> tanh; stream * (share -> select(i, keep: true)) } } } }",
  ),
};

function stepOf(text: string, checkpoints: Checkpoints): Graph {
  const { update, diagnostics } = trainingStep(trainingGraph(text), {
    optimizer: adamw,
    clip: 1,
    checkpoints,
  });
  expect(diagnostics).toEqual([]);
  expect(verifyGraph(update, { stages: ["core", "gradient"] })).toEqual([]);
  return update;
}

const sizes = new Map([
  ["B", 3],
  ["T", 5],
]);

/** Data, parameters by their initializers, and moments that are no longer zero. */
function given(graph: Graph) {
  const known = new Map([...sizes].filter(([name]) => graph.symbols.some((symbol) => symbol.name === name)));
  const begun = Object.entries(initialTensors(graph.states, 1));
  const moved = begun.map(([name, tensor]): [string, HostTensor] => {
    if (!name.startsWith("optimizer.")) return [name, tensor];
    const drawn = randomTensor(tensor.shape, new RandomStream(2, name));
    return [name, name.includes("second") ? { ...drawn, data: drawn.data.map((x) => x * x) } : drawn];
  });
  return { inputs: randomInputs(graph, known, 2), parameters: {}, states: Object.fromEntries(moved) };
}

const planOf = (graph: Graph, fuse = true, target?: CpuTarget["target"]): Plan =>
  planGraph(runPasses(graph, { verify: true, fuse }), target && { target });

/** The losses of three steps of a module, and the state after them. */
async function trained(cpu: CpuTarget, plan: Plan, { inputs, states }: ReturnType<typeof given>) {
  const { createModel } = await instantiate(cpu, plan);
  const { run, readState, close } = await createModel(states, { threads: 1 });
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) losses.push((await run(inputs))["loss"]!.data[0]!);
  const state = await readState();
  close();
  return { losses, state };
}

const phaseOf = (step: Step): string => step.origin.phase ?? "forward";
const iterationOf = (step: Step): number => step.origin.scope[0]!.index;

describe.each(Object.entries(models))("%s", (_, text) => {
  const [kept, again] = [stepOf(text, "none"), stepOf(text, "marked")];
  const bindings = given(kept);

  test("gives the same bits, made again or kept: loss, metrics, gradients and what follows from them", () => {
    expect(again.nodes.length).toBeGreaterThan(kept.nodes.length);
    const expected = interpretRun(kept, bindings);
    expect(interpretRun(again, bindings)).toEqual(expected);
    expect(expected.outputs["gradient_norm"]!.data[0]).toBeGreaterThan(0);
  });

  test("gives the same bits after all passes, which do not undo it", () => {
    const [before, after] = [kept, again].map((graph) => runPasses(graph, { verify: true }));
    expect(after!.nodes.map(({ op }) => op)).toContain("recompute");
    expect(interpretRun(after!, bindings)).toEqual(interpretRun(before!, bindings));
  });

  test.each(cpuTargets)("gives the same bits in modules of $name, a step a kernel", async (cpu) => {
    const results = await Promise.all(
      [kept, again].map(async (graph) => {
        const plan = planOf(graph, false, cpu.target);
        expect(verifyPlan(plan, sizes)).toEqual([]);
        return trained(cpu, plan, bindings);
      }),
    );
    expect(results[1]).toEqual(results[0]);
    expect(new Set(results[0]!.losses).size).toBe(3);
  });
});

describe("a checkpointed repeat", () => {
  const text = models["a language model with dropout"]!;
  const plan = planOf(stepOf(text, "marked"));

  test("is made again iteration by iteration, each when the one after it has given its gradient back", () => {
    const order = plan.steps
      .filter((step) => ["recompute", "backward"].includes(phaseOf(step)) && step.origin.scope.length > 0)
      .map((step) => `${phaseOf(step)} ${iterationOf(step)}`)
      .filter((name, index, all) => name !== all[index - 1]);
    expect(order).toEqual(["backward 2", "recompute 1", "backward 1", "recompute 0", "backward 0"]);
  });

  test("keeps of an iteration what goes out, of the last one all that its backward reads", () => {
    const makers = new Map<number, Step>();
    for (const step of plan.steps)
      if (phaseOf(step) === "forward") for (const { buffer } of step.results) makers.set(buffer, step);
    const read = plan.steps.filter((step) => phaseOf(step) !== "forward").flatMap(operandViews);
    const kept = [...new Set(read.map(({ buffer }) => buffer))].flatMap((buffer) => {
      const scope = makers.get(buffer)?.origin.scope ?? [];
      return scope.map(({ index }) => index);
    });
    const count = (iteration: number): number => kept.filter((index) => index === iteration).length;
    // The kernel of the last sum of iteration 1 makes the norm with which iteration 2 opens, too.
    expect([count(0), count(1)]).toEqual([1, 2]);
    expect(count(2)).toBeGreaterThan(8);
  });

  test("makes nothing again that the backward does not read: neither the last sum nor the last product", () => {
    const remade = plan.steps.filter((step) => phaseOf(step) === "recompute" && iterationOf(step) === 1);
    const labels = remade.map((step) => step.origin.label);
    expect(labels).toContain("h.1.mlp.fc1");
    expect(labels).not.toContain("h.1.mlp.fc2");
    expect(remade.filter(({ op }) => op === "cross_entropy")).toEqual([]);
  });

  test("needs less memory the deeper it is, and a forward pass of all iterations but one more work", () => {
    const deep = (checkpoints: Checkpoints) =>
      planTotals(
        planOf(stepOf(languageModel(`repeat 12 checkpoint as h {${layer}\n}`), checkpoints)),
        new Map([
          ["B", 4],
          ["T", 32],
        ]),
      );
    const [kept, again] = [deep("none"), deep("marked")];
    // Twelve layers of activations against twelve streams and two layers of activations.
    expect(again.arenaBytes).toBeLessThan(0.4 * kept.arenaBytes);
    expect(again.flops).toBeGreaterThan(kept.flops);
    expect(again.flops).toBeLessThan(1.35 * kept.flops);
  });

  test("of one iteration makes nothing again, as its backward follows at once", () => {
    const single = rowModel("repeat 1 checkpoint as h { residual { fc: linear(dim) -> tanh } }");
    expect(stepOf(single, "marked").nodes).toHaveLength(stepOf(single, "none").nodes.length);
  });

  test.each(cpuTargets)(
    "rounds in fused kernels of $name like the other one, but for what is no longer stored in between",
    async (cpu) => {
      const losses = await Promise.all(
        (["none", "marked"] as const).map(async (checkpoints) => {
          const graph = stepOf(text, checkpoints);
          const { losses } = await trained(cpu, planOf(graph, true, cpu.target), given(graph));
          return losses[0]!;
        }),
      );
      // Activations that nobody keeps stay in the kernel that makes them, in float64: a few roundings to float32 less, of
      // 6e-8 each.
      expect(Math.abs(losses[1]! / losses[0]! - 1)).toBeLessThan(1e-6);
    },
  );
});

test("a mark passes through the text of a graph, as do the phases of a step", () => {
  const graph = stepOf(models["checkpoints in checkpoints"]!, "marked");
  const text = printGraph(graph);
  expect(text).toContain("scope h[0] checkpoint l[1] checkpoint phase recompute");
  const back = readGraph({ name: "back.ir", text });
  expect(back.diagnostics).toEqual([]);
  expect(printGraph(back.graph!)).toBe(text);
});

test("without a mark each iteration of an outermost repeat can be made again all the same", () => {
  const plain = models["a language model with dropout"]!.replace("checkpoint ", "");
  const count = (checkpoints: Checkpoints): number => stepOf(plain, checkpoints).nodes.length;
  expect(count("marked")).toBe(count("none"));
  expect(count("outermost")).toBe(stepOf(models["a language model with dropout"]!, "marked").nodes.length);
});
