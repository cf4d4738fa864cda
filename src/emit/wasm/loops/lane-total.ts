import type { Fold, Name } from "../../loops/tree.ts";
import type { Local } from "../assembler/function.ts";
import { f32x4, f64x2, v128 } from "../assembler/simd.ts";
import { floats, wholes } from "../functions/lanes.ts";
import { Extremes, partsOf, type Parts } from "./parts.ts";
import type { Pen } from "./pen.ts";
import type { Width } from "./totals.ts";
import type { Value } from "./values.ts";

/** A total of each lane. Long sums go into float64 from time to time (`flush`). */
export class LaneTotal {
  readonly #pen: Pen;
  readonly #parts: Parts | Extremes;
  readonly #sums:
    { readonly low: readonly Local<"v128">[]; readonly high: readonly Local<"v128">[] } | undefined;
  readonly #isWhole: boolean;

  constructor(pen: Pen, name: Name, fold: Fold, width: Width) {
    this.#pen = pen;
    this.#isWhole = name.type === "whole";
    this.#parts = partsOf(pen, { fold, isWhole: this.#isWhole, isAcross: false }, pen.units);
    if (width === "double" && fold === "add" && !this.#isWhole)
      this.#sums = {
        low: pen.writer.locals("v128", pen.units),
        high: pen.writer.locals("v128", pen.units),
      };
  }

  begin(): void {
    this.#parts.begin();
    const { push } = this.#pen;
    for (const local of [...(this.#sums?.low ?? []), ...(this.#sums?.high ?? [])]) push(local.set(v128.zero));
  }

  take(value: Value): void {
    this.#parts.take(value);
  }

  /** What has been taken so far goes into float64. */
  flush(): void {
    const sums = this.#sums;
    if (sums === undefined || this.#parts instanceof Extremes) return;
    const { push } = this.#pen;
    this.#parts.locals.forEach(({ get }, unit) => {
      const [low, high] = [sums.low[unit]!, sums.high[unit]!];
      push(
        low.set(f64x2.add(low.get, f64x2.promote_low_f32x4(get))),
        high.set(f64x2.add(high.get, f64x2.promote_low_f32x4(v128.shuffle(get, get, [2, 3, 2, 3])))),
      );
    });
    this.#parts.begin();
  }

  value(): Value {
    if (this.#sums !== undefined) {
      this.flush();
      const [low, high] = [this.#sums.low, this.#sums.high].map((locals) => locals.map(({ get }) => get));
      return floats(
        low!.map((vector, unit) =>
          v128.shuffle(f32x4.demote_f64x2_zero(vector), f32x4.demote_f64x2_zero(high![unit]!), [0, 1, 4, 5]),
        ),
      );
    }
    if (this.#parts instanceof Extremes) return floats(this.#parts.values());
    const vectors = this.#parts.locals.map(({ get }) => get);
    return this.#isWhole ? wholes(vectors) : floats(vectors);
  }
}
