import { describe, expect, test } from "vitest";
import { NORM_OUTPUT, trainingStep } from "../../src/autodiff/train/step.ts";
import { goldenCases, type GoldenCase } from "../ops/golden.ts";
import { classifier, partsOf, rowsAt, torchOptimizer, trainingGraph } from "./classifier.ts";
import { Trainer } from "./trainer.ts";

interface Run {
  readonly norm: string;
  readonly placement: string;
  readonly optimizer: string;
  readonly hyper: Readonly<Record<string, unknown>>;
  readonly clip: number | null;
  readonly micro: number;
}

const cases = goldenCases("training");
const data = cases.get("data")!;
const runs = [...cases.values()].filter(({ name }) => name !== "data");

/**
 * Both compute in float64 from the same float32 values; rounding grows by what twenty steps amplify. Adam divides by the
 * root of a small second moment, which the order of a few additions changes in the last digits.
 */
const LOSS_TOLERANCE = 1e-9;
/** Final parameters are stored as float32. */
const PARAMETER_TOLERANCE = 1e-6;
/** A bias before a batch norm has no gradient but rounding, whose sign Adam follows by the learning rate. */
const withoutGradient = (run: Run): readonly string[] =>
  run.norm === "batch" && run.placement === "inner"
    ? ["fc0.bias", "fc1.bias"]
    : run.norm === "batch"
      ? ["fc0.bias"]
      : [];

function train(found: GoldenCase) {
  const run = found.attrs as unknown as Run;
  const optimizer = torchOptimizer(run.optimizer, run.hyper);
  const decay = run.hyper["matrices_only"] === true || run.optimizer === "muon" ? "matrices" : "all";
  const graph = trainingGraph(classifier(run.norm, run.placement));
  const step = trainingStep(graph, { optimizer, clip: run.clip ?? undefined, accumulate: run.micro, decay });
  expect(step.diagnostics).toEqual([]);
  const init = Object.fromEntries(graph.parameters.map(({ name }) => [name, found.tensor(`init.${name}`)]));
  const trainer = new Trainer(step, optimizer, init);
  const losses: number[][] = [];
  const gradientNorms: number[] = [];
  for (let index = 0; index < 20; index++) {
    const xs = partsOf(rowsAt(data.tensor("x"), index), run.micro);
    const ys = partsOf(rowsAt(data.tensor("y"), index), run.micro);
    const results = xs.map((x, micro) => {
      const batch = { x, y: ys[micro]! };
      return micro < run.micro - 1
        ? trainer.accumulate(batch)
        : trainer.update(batch, run.hyper["lr"] as number);
    });
    losses.push(results.map(({ loss }) => loss!.data[0]!));
    gradientNorms.push(results.at(-1)![NORM_OUTPUT]!.data[0]!);
  }
  return { run, losses, gradientNorms, state: trainer.state };
}

describe.each(runs.map((found) => [found.name, found] as const))("%s", (_, found) => {
  test("twenty steps have PyTorch's losses, gradient norms and final parameters", () => {
    const { run, losses, gradientNorms, state } = train(found);
    const expected = found.scalars as unknown as { losses: number[][]; gradient_norms: number[] };
    expect(losses.length).toBe(20);
    losses.flat().forEach((loss, i) => {
      expect(Math.abs(loss - expected.losses.flat()[i]!), `loss ${i}`).toBeLessThan(LOSS_TOLERANCE);
    });
    gradientNorms.forEach((norm, i) => {
      expect(Math.abs(norm - expected.gradient_norms[i]!), `norm ${i}`).toBeLessThan(1e-8);
    });
    const skipped = withoutGradient(run);
    const compared = [...state].filter(
      ([name]) => found.optional(`final.${name}`) && !skipped.includes(name),
    );
    expect(compared.length).toBeGreaterThan(4);
    for (const [name, { data: values }] of compared)
      found.tensor(`final.${name}`).data.forEach((value, i) => {
        expect(Math.abs(values[i]! - value), `${name}[${i}]`).toBeLessThan(PARAMETER_TOLERANCE);
      });
  });
});
