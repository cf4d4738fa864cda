import { onlyView } from "../../../kernels/results.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { KernelBuilder } from "../builder.ts";
import { equal, log, minus, over, plus, power, times, unequal } from "../formula.ts";
import type { Expression, LoopKernel, Name } from "../tree.ts";
import type { Place } from "../place.ts";
import { eachRow, walk } from "../walk.ts";
import type { Loops } from "./kernel.ts";

/** A row of logits, and which of its classes is the target. */
interface Classified {
  readonly logits: Place;
  readonly target: Name;
  readonly classes: Name;
}

/** The mean, over the rows that count, of what `row` adds to the total. */
function meanOverTargets(
  k: KernelBuilder,
  { operands, attrs: { ignore }, results }: StepOf<"cross_entropy"> | StepOf<"accuracy">,
  { name, doc, total }: { readonly name: string; readonly doc: string; readonly total: string },
  row: (given: Classified, total: Name) => void,
): LoopKernel {
  const { shape } = operands.targets.type;
  const classes = k.size("classes", operands.logits.type.shape.at(-1)!);
  const places = {
    logits: k.tensor("logits", operands.logits),
    targets: k.tensor("targets", operands.targets),
  };
  const out = k.tensor("out", onlyView(results));
  const [sum, counted] = [k.total(total), k.total("counted", "add", "whole")];
  const visit = ({ logits, targets }: typeof places): void => {
    const target = k.let("target", targets);
    const count = (): void => {
      k.check(target, classes, "target");
      row({ logits, target, classes }, sum);
      k.take(counted, 1);
    };
    if (ignore === undefined) count();
    else k.when(unequal(target, ignore), count);
  };
  eachRow(k, shape, places, visit, "folds");
  k.store(out, over(sum, counted));
  return k.finish(name, doc);
}

/** The largest logit, and Σ e^x of what all are below it; `visit` sees each logit besides. */
function exponentials(
  k: KernelBuilder,
  { logits, classes }: Classified,
  visit?: (logit: Expression) => void,
): { readonly largest: Name; readonly sum: Name } {
  const largest = k.total("largest", "peak");
  k.lanes("c", classes, (c) => k.take(largest, logits.at(c)));
  const sum = k.total("sum");
  k.lanes("c", classes, (c) => {
    k.take(sum, power(minus(logits.at(c), largest)));
    visit?.(logits.at(c));
  });
  return { largest, sum };
}

const cross_entropy: Loops<"cross_entropy"> = (step) => {
  const k = new KernelBuilder();
  const { smoothing } = step.attrs;
  const doc = "The mean of -log softmax(logits)[target] over the rows that count.";
  return meanOverTargets(k, step, { name: "cross_entropy", doc, total: "loss" }, (row, loss) => {
    const { logits, target, classes } = row;
    const all = smoothing === 0 ? undefined : k.total("all");
    const { largest, sum } = exponentials(k, row, all && ((logit) => k.take(all, logit)));
    const whole = k.let("log", plus(largest, log(sum)));
    const own = minus(whole, logits.at(target));
    if (all === undefined) {
      k.take(loss, own);
      return;
    }
    k.take(loss, plus(times(1 - smoothing, own), times(smoothing, minus(whole, over(all, classes)))));
  });
};

/** A row is right if its target is the first of the largest logits. */
const accuracy: Loops<"accuracy"> = (step) => {
  const k = new KernelBuilder();
  const doc = "The share of the rows that count whose largest logit is at the target.";
  return meanOverTargets(
    k,
    step,
    { name: "accuracy", doc, total: "right" },
    ({ logits, target, classes }, right) => {
      const largest = k.total("largest", "max");
      k.lanes("c", classes, (c) => k.take(largest, logits.at(c)));
      k.when(equal(logits.at(target), largest), () => {
        const before = k.total("before", "add", "whole");
        k.lanes("c", target, (c) => k.take(before, equal(logits.at(c), largest)));
        k.when(equal(before, 0), () => k.take(right, 1));
      });
    },
  );
};

const cross_entropy_grad: Loops<"cross_entropy_grad"> = ({ operands, attrs, results }) => {
  const { smoothing, ignore } = attrs;
  const k = new KernelBuilder();
  const { shape } = operands.targets.type;
  const classes = k.size("classes", operands.logits.type.shape.at(-1)!);
  const grad = k.tensor("grad", operands.grad);
  const places = {
    logits: k.tensor("logits", operands.logits),
    targets: k.tensor("targets", operands.targets),
    out: k.tensor("out", onlyView(results)),
  };
  const counts = (target: Name, body: () => void): void =>
    ignore === undefined ? body() : k.when(unequal(target, ignore), body);
  const counted = k.total("counted", "add", "whole");
  const all = { prefix: "all", outer: "folds", inner: "folds" } as const;
  walk(k, shape, { targets: places.targets }, all, ({ targets }) => {
    const target = k.let("target", targets);
    counts(target, () => {
      k.check(target, classes, "target");
      k.take(counted, 1);
    });
  });
  const factor = k.let("factor", over(grad, counted));
  eachRow(k, shape, places, ({ logits, targets, out }) => {
    const target = k.let("target", targets);
    if (ignore !== undefined) k.when(equal(target, ignore), () => k.clear(out, classes));
    counts(target, () => {
      const { largest, sum } = exponentials(k, { logits, target, classes });
      const smoothed = (logit: Expression): Expression => {
        const share = over(power(minus(logit, largest)), sum);
        return smoothing === 0 ? share : minus(share, over(smoothing, classes));
      };
      k.lanes("c", classes, (c) => k.store(out.at(c), times(factor, smoothed(logits.at(c)))));
      // The target is taken off before it is scaled: with an infinite factor, ∞ - ∞ would be NaN.
      const own = minus(smoothed(logits.at(target)), 1 - smoothing);
      k.store(out.at(target), times(factor, own));
    });
  });
  return k.finish("cross_entropy_grad", "softmax(logits) less the targets, over the rows that count.");
};

const mean_squared_error: Loops<"mean_squared_error"> = ({ operands, results }) => {
  const k = new KernelBuilder();
  const count = k.size("count", elementsOf(operands.x.type));
  const [x, y] = [k.tensor("x", operands.x), k.tensor("y", operands.y)];
  const out = k.tensor("out", onlyView(results));
  const sum = k.total("sum");
  k.lanes("i", count, (i) => {
    const d = k.let("d", minus(x.at(i), y.at(i)));
    k.take(sum, times(d, d));
  });
  k.store(out, over(sum, count));
  return k.finish("mean_squared_error", "The mean of (x - y)².");
};

export const lossLoops = { accuracy, cross_entropy, cross_entropy_grad, mean_squared_error };
