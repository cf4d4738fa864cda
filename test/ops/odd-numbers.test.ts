import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";
import { graphOf } from "../plan/graphs.ts";

/** What PyTorch makes of NaN and infinities in eager float64, by test/golden/odd_numbers.py. */
type Numbers = readonly (number | string)[];
type ByName<T> = Readonly<Record<string, T>>;
interface Golden {
  readonly conv2d: ByName<ByName<ByName<Numbers>>>;
  readonly batch_norm: ByName<ByName<ByName<Numbers>>>;
  readonly capped_attention: ByName<ByName<Numbers>>;
}
const golden = JSON.parse(readFileSync("test/golden/torch/odd_numbers.json", "utf8")) as Golden;

const tensor = (shape: readonly number[], values: readonly number[]): HostTensor =>
  hostTensor("f32", shape, Float64Array.from(values));
const ones = (count: number): number[] => new Array<number>(count).fill(1);

/** What the records make of a graph: its lines, and what it gives. */
function evaluated(lines: string, results: string, inputs: ByName<HostTensor>): ByName<HostTensor> {
  const declared = Object.entries(inputs).map(
    ([name, { shape }]) => `input %${name}: f32[${shape.join(", ")}]`,
  );
  const names = results.split(" ");
  const outputs = names.map((name) => `output ${name} = %${name}`);
  const text = [...declared, `${names.map((name) => `%${name}`).join(", ")} = ${lines}`, ...outputs].join(
    "\n",
  );
  return interpret(graphOf(text), { inputs, parameters: {} });
}

function expectAs(found: HostTensor, wanted: Numbers): void {
  const numbers = wanted.map(Number);
  Array.from(found.data, Number).forEach((got, i) => {
    if (Number.isFinite(numbers[i]!)) expect(got).toBeCloseTo(numbers[i]!, 12);
    else expect(got).toBe(numbers[i]);
  });
  expect(found.data.length).toBe(numbers.length);
}

describe.each(["NaN", "Infinity", "-Infinity"])("%s is what PyTorch makes of it", (odd) => {
  const window = "stride: [1, 1], padding: [1, 1], groups: 1";
  const picture = tensor([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const nine = tensor([1, 1, 3, 3], ones(9));
  const oddNine = tensor([1, 1, 3, 3], [Number(odd), ...ones(8)]);

  test.each(["weight", "grad"])("in a convolution's %s", (place) => {
    const wanted = golden.conv2d[place]![odd]!;
    const [weight, grad] = place === "weight" ? [oddNine, nine] : [nine, oddNine];
    const out = evaluated(`conv2d(x: %x, weight: %w, ${window})`, "y", { x: picture, w: weight });
    expectAs(out["y"]!, wanted["out"]!);
    const ofX = evaluated(`conv2d_x_grad(grad: %g, weight: %w, ${window}, height: 3, width: 3)`, "y", {
      g: grad,
      w: weight,
    });
    expectAs(ofX["y"]!, wanted["x_grad"]!);
    const ofWeight = evaluated(`conv2d_weight_grad(grad: %g, x: %x, ${window}, kernel: [3, 3])`, "y", {
      g: grad,
      x: picture,
    });
    expectAs(ofWeight["y"]!, wanted["weight_grad"]!);
  });

  // The gradients of mean and variance are whole sums times the weight, as the gradient of x is in PyTorch with the batch's own
  // statistics; where these are given PyTorch has none.
  test("in a batch norm's weight", () => {
    const found = evaluated(
      "batch_norm_grad(grad: %g, x: %x, mean: %mean, variance: %variance, weight: %w, axis: 1, eps: 1e-5)",
      "a b c d e",
      {
        g: tensor([3, 2], [1, 1, 0, 2, -1, 0]),
        x: tensor([3, 2], [1, 2, 3, 5, 4, -1]),
        mean: tensor([2], [0.1, 0.2]),
        variance: tensor([2], [1.1, 1.2]),
        w: tensor([2], [Number(odd), 1]),
      },
    );
    const { x, weight, bias } = golden.batch_norm[odd]!["given"] as ByName<Numbers>;
    expectAs(found["a"]!, x!);
    expectAs(found["d"]!, weight!);
    expectAs(found["e"]!, bias!);
    const [ofBias, ofWeight] = [found["e"]!.data[0]!, found["d"]!.data[0]!];
    expect(found["b"]!.data[0]).toBe(-ofBias * Number(odd));
    expect(found["c"]!.data[0]).toBe(-ofWeight * Number(odd));
  });

  // But for one thing: an infinite score under a cap passes nothing on to a key, since its slope goes to 0 faster than the query grows;
  // PyTorch multiplies the slope, 0, with the query, ∞.
  test("in the queries of attention under a cap", () => {
    const found = evaluated("attend_grad(q: %q, k: %k, v: %v, grad: %g, scale: 1.0, softcap: 2.0)", "a b c", {
      q: tensor([1, 1, 2, 2], [Number(odd), 1, 1, 2]),
      k: tensor([1, 1, 3, 2], [1, 0, 0.5, 1, -1, 2]),
      v: tensor([1, 1, 3, 2], [1, 2, 3, 4, 5, -6]),
      g: tensor([1, 1, 2, 2], [1, 2, 3, 4]),
    });
    const { q, k, v } = golden.capped_attention[odd]!;
    expectAs(found["a"]!, q!);
    expectAs(found["c"]!, v!);
    const isTaken = (i: number): boolean => odd === "NaN" || i % 2 === 1;
    const pick = (values: ArrayLike<number | string>): (number | string)[] =>
      Array.from(values).filter((_, i) => isTaken(i));
    expectAs(tensor([pick(k!).length], pick(found["b"]!.data).map(Number)), pick(k!));
    if (odd !== "NaN") {
      expect(k!.filter((_, i) => !isTaken(i))).toEqual(["NaN", "NaN", "NaN"]);
      expect(found["b"]!.data.every(Number.isFinite)).toBe(true);
    }
  });
});
