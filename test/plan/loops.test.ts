import { expect, test } from "vitest";
import { shareLoops, type SharedLoop } from "../../src/plan/loops.ts";
import { emitTypeScript } from "../../src/emit/ts/emit.ts";
import { planGraph } from "../../src/plan/build.ts";
import { stepWords } from "../../src/plan/names.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { graphOf, planOf } from "./graphs.ts";
import { expectSameAsOracle } from "../emit/compare.ts";

/** The ops of each stage: those of one loop side by side. */
const stages = (plan: Plan): string[] =>
  shareLoops(plan).map((stage) =>
    ("steps" in stage ? stage.steps : [stage]).flatMap((step) => stepWords(step)).join(" "),
  );

const loopsOf = (plan: Plan): SharedLoop[] => shareLoops(plan).filter((stage) => "steps" in stage);

const inputs = `
  dim B
  input %x: f32[B, 4, 6]
  input %y: f32[B, 4, 6]
  input %row: f32[6]
  input %one: f32[]
  input %long: f32[B, 24, 2]
`;
const type = "f32[B, 4, 6]";

const together: readonly (readonly [string, string, readonly string[]])[] = [
  [
    "what one step makes and the next reads",
    `%a: ${type} = exp(%x)
     %b: ${type} = mul(%a, %one)
     %c: ${type} = sub(%b, %x)
     output a = %a
     output c = %c`,
    ["exp mul sub"],
  ],
  [
    "a tensor that two steps read",
    `%a: ${type} = exp(%x)
     %b: ${type} = mul(%x, %y)
     output a = %a
     output b = %b`,
    ["exp mul"],
  ],
  [
    "squares and their sum",
    `%a: ${type} = square(%x)
     %s: f32[] = reduce_sum(x: %a, axes: [0, 1, 2])
     output s = %s`,
    ["square reduce_sum"],
  ],
  [
    "what is folded of several tensors that the loop makes or reads",
    `%a: ${type} = abs(%x)
     %l: f32[] = reduce_max(x: %a, axes: [0, 1, 2])
     %m: f32[] = reduce_mean(x: %x, axes: [0, 1, 2])
     %b: ${type} = mul(%x, %y)
     %s: f32[] = reduce_sum(x: %b, axes: [0, 1, 2])
     %n: f32[] = reduce_min(x: %b, axes: [0, 1, 2])
     output l = %l
     output m = %m
     output s = %s
     output n = %n`,
    ["abs reduce_max reduce_mean mul reduce_sum reduce_min"],
  ],
];

test.each(together)("%s: one loop", async (_, lines, expected) => {
  const graph = graphOf(inputs + lines);
  expect(stages(planGraph(graph))).toEqual(expected);
  await expectSameAsOracle(graph, { B: 3 });
});

const apart: readonly (readonly [string, string, readonly string[]])[] = [
  [
    "steps that share no tensor",
    `%a: ${type} = exp(%x)
     %b: ${type} = square(%y)
     output a = %a
     output b = %b`,
    ["exp", "square"],
  ],
  [
    "loops of other lengths, as of a tensor and its half",
    `%a: ${type} = exp(%x)
     %h: f32[B, 2, 6] = slice(x: %a, axis: 1, start: 0, size: 2)
     %b: f32[B, 2, 6] = square(%h)
     output b = %b`,
    ["exp", "square"],
  ],
  [
    "a row that all rows read",
    `%a: ${type} = exp(%x)
     %b: ${type} = mul(%a, %row)
     output b = %b`,
    ["exp", "mul"],
  ],
  [
    "elements in another order than they are made in",
    `%a: ${type} = exp(%x)
     %p: f32[B, 6, 4] = permute(x: %a, axes: [0, 2, 1])
     %b: f32[B, 6, 4] = square(%p)
     output b = %b`,
    ["exp", "square"],
  ],
  [
    "a sum that a later step reads, as it is whole after the loop only",
    `%a: ${type} = square(%x)
     %s: f32[] = reduce_sum(x: %a, axes: [0, 1, 2])
     %b: ${type} = mul(%a, %s)
     output b = %b`,
    ["square reduce_sum", "mul"],
  ],
  [
    "sums along some axes",
    `%a: ${type} = square(%x)
     %s: f32[B, 4] = reduce_sum(x: %a, axes: [2])
     output s = %s`,
    ["square", "reduce_sum"],
  ],
  [
    "whole numbers, which wrap where they are stored",
    `%i: i32[B, 4, 6] = cast(x: %x, dtype: i32)
     %a: i32[B, 4, 6] = add(%i, %i)
     %b: i32[B, 4, 6] = mul(%a, %i)
     output b = %b`,
    ["cast", "add", "mul"],
  ],
];

test.each(apart)("%s: loops of their own", async (_, lines, expected) => {
  const graph = graphOf(inputs + lines);
  expect(stages(planGraph(graph))).toEqual(expected);
  await expectSameAsOracle(graph, { B: 3 });
});

test.each(["bool", "i32"])("floats that are written where %s was read are floats", async (dtype) => {
  const graph = graphOf(`
    input %c: ${dtype}[16]
    input %x: f32[16]
    %a: f32[16] = ${dtype === "bool" ? "where(%c, %x, %x)" : "max(%c, %x)"}
    %b: f32[16] = cos(%a)
    %n: f32[16] = rms_norm(x: %b, eps: 1e-5)
    %y: f32[16] = add(%a, %n)
    output y = %y`);
  const plan = planGraph(graph);
  const homeOf = (name: string) => plan.buffers.find((buffer) => buffer.name === name)!.home;
  expect([homeOf("a"), homeOf("b")]).toContainEqual(homeOf("c"));
  await expectSameAsOracle(graph, {});
});

test("what only the loop itself reads is never stored, and what it divides by is inverted once", () => {
  const plan = planOf(`${inputs}
    %a: ${type} = exp(%x)
    %b: ${type} = div(%a, %one)
    output b = %b`);
  const [loop] = loopsOf(plan);
  expect([...loop!.stored].map((buffer) => plan.buffers[buffer]!.name)).toEqual(["b"]);
  const { text } = emitTypeScript(plan).files[0]!;
  const kernel = text.slice(text.indexOf("function each_exp_div("));
  expect(kernel.slice(0, kernel.indexOf("\n}")).split("\n").slice(4)).toEqual([
    "  const x1 = y1[y1At];",
    "  const per1_1 = 1 / x1;",
    "  for (let i = 0; i < count; i++) {",
    "    const x2 = y2[y2At + i];",
    "    const r0 = Math.fround(exp(x2));",
    "    y3[y3At + i] = r0 * per1_1;",
    "  }",
  ]);
});

/** Elementwise steps over tensors, halves of one tensor, transposed ones, numbers and sums, in any order. */
function randomGraph(seed: number): string {
  const random = new RandomStream(seed, "loops");
  const lines: string[] = [];
  const [tensors, numbers] = [["%x", "%y"], ["%one"]];
  const pick = (list: readonly string[]): string => list[random.below(list.length)]!;
  for (let index = 0; index < 24; index++) {
    const kind = random.below(10);
    const a = pick(tensors);
    if (kind < 6) {
      const op = pick(["add", "sub", "mul", "max"]);
      const other = random.below(3) === 0 ? pick(numbers) : pick(tensors);
      lines.push(`%m${index}: ${type} = ${op}(${a}, ${other})`, `%t${index}: ${type} = tanh(%m${index})`);
    } else if (kind === 6) {
      lines.push(`%q${index}: ${type} = square(${a})`);
      lines.push(`%s${index}: f32[] = reduce_mean(x: %q${index}, axes: [0, 1, 2])`);
      lines.push(`%u${index}: f32[] = reduce_sum(x: %q${index}, axes: [0, 1, 2])`);
      lines.push(`%n${index}: f32[] = tanh(%u${index})`);
      numbers.push(`%s${index}`, `%n${index}`);
      continue;
    } else if (kind < 9) {
      lines.push(`%l${index}: f32[B, 24, 2] = tanh(%long)`);
      lines.push(`%h${index}: f32[B, 24, 1] = slice(x: %l${index}, axis: 2, start: ${kind - 7}, size: 1)`);
      lines.push(`%v${index}: ${type} = reshape(x: %h${index}, shape: [B, 4, 6])`);
      lines.push(`%t${index}: ${type} = mul(%v${index}, ${a})`);
    } else {
      lines.push(`%p${index}: f32[B, 6, 4] = permute(x: ${a}, axes: [0, 2, 1])`);
      lines.push(`%r${index}: ${type} = reshape(x: %p${index}, shape: [B, 4, 6])`);
      lines.push(`%t${index}: ${type} = sub(%r${index}, ${pick(tensors)})`);
    }
    tensors.push(`%t${index}`);
  }
  const outputs = [...tensors.slice(2).filter(() => random.below(5) === 0), tensors.at(-1)!, pick(numbers)];
  return [...lines, ...[...new Set(outputs)].map((name, index) => `output o${index} = ${name}`)].join("\n");
}

test("random graphs compute the same with shared loops, whatever memory their tensors share", async () => {
  let shared = 0;
  for (let seed = 0; seed < 60; seed++) {
    const graph = graphOf(inputs + randomGraph(seed));
    shared += loopsOf(planGraph(graph)).length;
    await expectSameAsOracle(graph, { B: 2 }, { seed, tolerance: 1e-5 });
  }
  expect(shared).toBeGreaterThan(100);
});
