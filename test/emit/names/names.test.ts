import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile.ts";
import { emitTypeScript } from "../../../src/emit/ts/emit.ts";
import { emitWasm } from "../../../src/emit/wasm/emit.ts";
import { emitWgsl } from "../../../src/emit/wgsl/emit.ts";
import { randomInputs, randomParameters } from "../../../src/ir/initialize.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { showDiagnostic } from "../../../src/support/diagnostic.ts";
import { trainingOf } from "../../train/small.ts";
import { executionDevice } from "../../webgpu/device.ts";
import { rounded, STEP_TOLERANCE } from "../compare.ts";
import { projectComplaints, strict } from "../complaints.ts";
import { cpuTargets, runOnCpu } from "../cpu.ts";
import { instantiate as instantiateShaders } from "../wgsl/module.ts";
import { expectNear } from "../wgsl/near.ts";
import { allWords, knownWords } from "./words.ts";

const words = allWords();

const chunks = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );

/** Each word is an input, a value, a tap, an output, a label, a parameter by itself and a part of another's name. */
const modelOf = (names: readonly string[]): string => `
model ${names[0]!} {
${names.map((name) => `  input ${name}: f32[B, 4]`).join("\n")}
${names
  .map((name, index) =>
    index % 2 === 0
      ? `  ${name} = ${name} * (${name}: parameter([4])) -> ${name}.x: linear(4) -> softmax`
      : `  ${name} -> ${name}: linear(4) -> x.${name}: linear(4) -> softmax as ${name}`,
  )
  .join("\n")}
${names.map((name) => `  output ${name}`).join("\n")}
}`;

/** Each word is a run-time dim, in sums and products with others. */
const dimsOf = (dims: readonly string[]): string => `
model dims {
${dims.map((dim, index) => `  input x${index}: f32[${dim}, ${dims[index - 1] ?? dim} + 1, 2]`).join("\n")}
${dims.map((_, index) => `  x${index} -> flatten(0) -> softmax as y${index}`).join("\n")}
${dims.map((_, index) => `  output y${index}`).join("\n")}
}`;

/** Each word is an input and a label, or a target and a label, of a training. */
function trainingText(names: readonly string[]): string {
  const inputs = names.filter((_, index) => index % 2 === 0);
  const targets = names.filter((_, index) => index % 2 === 1);
  return `
model ${names[0]!} {
${inputs.map((name) => `  input ${name}: f32[B, 3]`).join("\n")}
  ${inputs.map((name, index) => `(${name} -> ${name}: linear(3) -> ${targets[index % targets.length]!}.x${index}: linear(3))`).join(" + ")}
  output sum_of_all: f32[B, 3]
  train {
${targets.map((name) => `    target ${name}: i32[B]`).join("\n")}
${targets.map((name) => `    loss (sum_of_all, ${name}) -> cross_entropy`).join("\n")}
    metric (sum_of_all, ${targets[0]!}) -> accuracy
    optimizer adam(lr: 0.1)
    clip 1.0
    steps 1
  }
}`;
}

function compiled(text: string): { graph: Graph; plan: Plan } {
  const { graph, plan, diagnostics } = compile({ name: "words.lmg", text }, { verify: false });
  if (graph === undefined || plan === undefined)
    throw new Error(diagnostics.map((each) => showDiagnostic(each)).join("\n"));
  return { graph, plan };
}

// Larger ones have steps of so many forms that tsc gives up.
const models = [...chunks(words.names, 200).map(modelOf), ...chunks(words.dims, 25).map(dimsOf)].map(
  compiled,
);
const trainings = chunks(knownWords.names, 60).map((names) => trainingOf(trainingText(names)).program.plan);
const device = await executionDevice();

test("there are as many words as modules hold", () => {
  expect(words.names.length).toBeGreaterThan(2000);
  expect(words.dims.length).toBeGreaterThan(100);
  expect(words.names).toEqual(expect.arrayContaining(["class", "inputs", "slot0", "readInput", "__proto__"]));
  expect(words.dims).toEqual(expect.arrayContaining(["NULL", "Self", "InputError", "Math", "Dims"]));
});

test("modules with these names pass tsc --strict", { timeout: 0 }, () => {
  const plans = models.map(({ plan }) => plan);
  const known = [...plans.slice(0, 2), ...plans.slice(-2), ...trainings.slice(0, 1)];
  const texts = [...plans, ...trainings].map((plan) => emitTypeScript(plan));
  const others = known.flatMap((plan) => [emitWgsl(plan), emitWasm(plan)]);
  const files = [...texts, ...others].map(({ files: [file] }, index): [string, string] => [
    `m${index}.ts`,
    file!.text.replace("// @ts-nocheck\n", ""),
  ]);
  const index = files.map(([name], at) => `export * as m${at} from "./${name}";`).join("\n");
  expect(projectComplaints({ "index.ts": index, ...Object.fromEntries(files) }, strict)).toEqual([]);
});

describe("modules with these names compute what the interpreter computes", () => {
  const sizesOf = ({ symbols }: Graph) =>
    Object.fromEntries(symbols.map(({ name }, at) => [name, 1 + (at % 3)]));

  test.each(cpuTargets.flatMap((cpu) => models.map(({ graph }) => ({ name: cpu.name, cpu, graph }))))(
    "in $name, model $#",
    async ({ cpu, graph }) => {
      const [inputs, parameters] = [
        rounded(randomInputs(graph, sizesOf(graph), 1)),
        rounded(randomParameters(graph, 2)),
      ];
      const expected = interpret(graph, { inputs, parameters });
      const found = await runOnCpu(cpu, graph, { inputs, parameters });
      expect(Object.keys(found)).toEqual(graph.outputs.map(({ name }) => name));
      for (const [name, tensor] of Object.entries(expected)) expectNear(found[name]!, tensor, STEP_TOLERANCE);
    },
  );

  test.skipIf(device === undefined).each(models)("in WGSL, model $#", async ({ graph, plan }) => {
    const [inputs, parameters] = [
      rounded(randomInputs(graph, sizesOf(graph), 1)),
      rounded(randomParameters(graph, 2)),
    ];
    const expected = interpret(graph, { inputs, parameters });
    const model = await (await instantiateShaders(plan)).createModel(device!, parameters);
    const found = await model.run(inputs);
    model.destroy();
    expect(Object.keys(found)).toEqual(graph.outputs.map(({ name }) => name));
    for (const [name, tensor] of Object.entries(expected)) expectNear(found[name]!, tensor, 1e-5);
  });
});
