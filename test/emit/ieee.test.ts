import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { hasTrait, type OpName } from "../../src/ops/table.ts";
import { planGraph } from "../../src/plan/build.ts";
import { dim } from "../../src/tensor/dim.ts";
import { isFloat } from "../../src/tensor/dtype.ts";
import { hostTensor, sizeOf, type HostTensor } from "../../src/tensor/host.ts";
import { opCases } from "../ops/cases/all.ts";
import type { OpCase } from "../ops/cases/case.ts";
import { rounded } from "./compare.ts";
import { cpuTargets, instantiate, type CpuTarget } from "./cpu.ts";
import { departures, type Departure } from "./departures.ts";
import { graphOfCase } from "./op-graphs.ts";
import { plannedOps } from "./planned-ops.ts";
import { toleranceOf } from "./wasm/tolerance.ts";

/** -0, and what is below float32's least normal number, 2^-126, besides NaN and the infinities. */
const ODD = [NaN, Infinity, -Infinity, -0, 1e-40];

/** Ops whose results are their operands' elements as they are: the sign of 0 and the last bit count. */
const moving = new Set<OpName>(["write", "concat", "where", "max_pool2d", "embedding"]);
const isExact = (op: OpName): boolean =>
  moving.has(op) || hasTrait(op, "view") || op === "neg" || op === "abs";

/** Numbers of -1 to 1. */
const wave = (shape: readonly number[]): HostTensor =>
  hostTensor(
    "f32",
    shape,
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + 1)),
  );

type Inputs = Readonly<Record<string, HostTensor>>;

/** What no case of an op has together. */
const more: { readonly [op in OpName]?: readonly OpCase<OpName>[] } = {
  conv2d: [
    {
      about: "padding and a stride",
      operands: { x: wave([2, 4, 5, 4]), weight: wave([2, 2, 3, 2]), bias: wave([2]) },
      attrs: { stride: [2, 1], padding: [2, 1], groups: 2 },
      expected: [],
    },
  ],
  conv2d_x_grad: [
    {
      about: "padding and a stride",
      operands: { grad: wave([2, 4, 4, 5]), weight: wave([4, 2, 3, 2]) },
      attrs: { stride: [2, 1], padding: [2, 1], groups: 2, height: dim(5), width: dim(4) },
      expected: [],
    },
  ],
  conv2d_weight_grad: [
    {
      about: "padding and a stride",
      operands: { grad: wave([2, 2, 4, 5]), x: wave([2, 4, 5, 4]) },
      attrs: { stride: [2, 1], padding: [2, 1], groups: 2, kernel: [3, 2] },
      expected: [],
    },
  ],
  attend_grad: [true, false].map((causal) => ({
    about: `a bias, a cap and a window${causal ? ", causal" : ""}`,
    operands: {
      q: wave([1, 2, 9, 4]),
      k: wave([1, 1, 11, 4]),
      v: wave([1, 1, 11, 3]),
      bias: wave([2, 9, 11]),
      grad: wave([1, 2, 9, 3]),
      mask: undefined,
    },
    attrs: {
      causal,
      window: 7,
      softcap: 2,
      scale: 0.5,
      alibi: false,
      layout: "heads_first",
      observe: causal,
    },
    expected: [],
  })),
};

interface OddInputs {
  readonly name: string;
  readonly odd: number;
  readonly about: string;
  readonly inputs: Inputs;
}

/** The inputs of a case with one element of one float tensor replaced, a third from its start: each of them by each odd number. */
function oddInputs(tensors: Inputs): OddInputs[] {
  return Object.entries(tensors)
    .filter(([, { dtype, data }]) => isFloat(dtype) && data.length > 0)
    .flatMap(([name, { dtype, shape, data }]) =>
      ODD.map((odd) => {
        const at = Math.floor(data.length / 3);
        const changed = Float64Array.from(data).with(at, Math.fround(odd));
        const about = `${name}[${at}] = ${Object.is(odd, -0) ? "-0" : odd}`;
        return { name, odd, about, inputs: { ...tensors, [name]: hostTensor(dtype, shape, changed) } };
      }),
    );
}

/** The first element that is of another class than the record's, is off by more than what is allowed, or has another sign of 0. */
function firstDifference(
  op: OpName,
  found: Readonly<Record<string, { readonly data: ArrayLike<number> }>>,
  expected: Inputs,
  tolerance: number,
): string | undefined {
  const isSame = (got: number, wanted: number): boolean => {
    if (Object.is(got, wanted)) return true;
    if (isExact(op)) return false;
    return got === wanted || Math.abs(got - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
  };
  for (const [name, { dtype, data }] of Object.entries(expected))
    for (const [i, exact] of data.entries()) {
      const wanted = isFloat(dtype) ? Math.fround(exact) : exact;
      const got = found[name]!.data[i]!;
      if (!isSame(got, wanted)) return `${name}[${i}] is ${text(got)}, the record has ${text(wanted)}`;
    }
  return undefined;
}

const text = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));

/** What the kernel of a case gives that its record doesn't, for each of the odd inputs. */
async function differences(cpu: CpuTarget, op: OpName, each: OpCase<OpName>) {
  const { graph, tensors } = graphOfCase(op, each.operands, each.attrs ?? {});
  const rows = oddInputs(rounded(tensors));
  if (rows.length === 0) return [];
  const { createModel } = await instantiate(cpu, planGraph(graph, { target: cpu.target }));
  const model = await createModel({}, { threads: 1 });
  const wrong: (OddInputs & { readonly difference: string })[] = [];
  try {
    for (const row of rows) {
      const expected = interpret(graph, { inputs: row.inputs, parameters: {} });
      const found = await model.run(row.inputs);
      const difference = firstDifference(op, found, expected, toleranceOf(op, each, row.inputs));
      if (difference !== undefined) wrong.push({ ...row, difference });
    }
  } finally {
    model.close();
  }
  return wrong;
}

const rows = cpuTargets.flatMap((cpu) => plannedOps.map((op) => [cpu.name, op, cpu] as const));

describe("NaN, infinities, -0 and what is below normal numbers are the record's", () => {
  test.each(rows)("in %s %s", async (_name, op, cpu) => {
    const known = departures.filter((departure) => departure.engine === cpu.engine && departure.op === op);
    const used = new Set<Departure>();
    const wrong: string[] = [];
    for (const each of [...opCases[op], ...(more[op] ?? [])])
      for (const { name, odd, about, difference } of await differences(cpu, op, each)) {
        const why = known.find((departure) => departure.inputs.includes(name) && departure.odd.includes(odd));
        if (why === undefined) wrong.push(`${each.about}, ${about}: ${difference}`);
        else used.add(why);
      }
    expect(wrong).toEqual([]);
    // What has been mended leaves the list.
    expect(known.filter((departure) => !used.has(departure))).toEqual([]);
  });
});
