import { onlyView } from "../../../kernels/results.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { KernelBuilder } from "../builder.ts";
import { apply, select, times } from "../formula.ts";
import type { Loops } from "./kernel.ts";

/** The same elements at every run with the same key, and the same as on other targets. */
export const dropout: Loops<"dropout"> = ({ operands, attrs, results }) => {
  const k = new KernelBuilder();
  const count = k.size("count", elementsOf(operands.x.type));
  const [x, key] = [k.tensor("x", operands.x), k.maybe("key", operands.key)];
  const out = k.tensor("out", onlyView(results));
  if (key === undefined) {
    k.lanes("i", count, (i) => k.store(out.at(i), x.at(i)));
    return k.finish("keep", "Dropout that drops nothing.");
  }
  const stream = k.number("stream", attrs.stream);
  const threshold = k.number("threshold", Math.floor(attrs.rate * 2 ** 32));
  const scale = k.number("scale", 1 / (1 - attrs.rate));
  const [seed, step] = [k.let("seed", key), k.let("step", key.at(1))];
  k.lanes("i", count, (i) => {
    const stays = apply("ge", apply("threefry", seed, stream, i, step), threshold);
    k.store(out.at(i), select(stays, times(x.at(i), scale), 0));
  });
  return k.finish("dropout", "Zeros where Threefry says so, the rest scaled up.");
};
