import { invariant } from "../../../support/invariant.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import type { Load } from "../../loops/tree.ts";
import type { I32, V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { asWholes } from "../functions/lanes.ts";
import type { Pen } from "./pen.ts";
import type { Spot, Spots } from "./spots.ts";
import { doubleOf, floatsOf, lanesOf, lone, type Double, type Value } from "./values.ts";

const WORD = 4;

/** Elements of tensors: their addresses, loads and stores. */
export class Places {
  readonly #pen: Pen;
  readonly #spots: Spots;

  constructor(pen: Pen, spots: Spots) {
    this.#pen = pen;
    this.#spots = spots;
  }

  load(load: Load): Value {
    const { tensor } = load;
    const spot = this.#spots.of(load);
    if (tensor.dtype === "f64") return this.#loadDouble(spot);
    if (spot.step.known === 0) {
      const { address, offset } = spot;
      return isFloat(tensor.dtype)
        ? { kind: "float", vectors: [v128.load32_splat(address, offset)] }
        : lone(i32.load(address, offset));
    }
    const vectors = this.#eachUnit((unit) => this.#loadLanes(spot, unit));
    return { kind: isFloat(tensor.dtype) ? "float" : "whole", vectors };
  }

  store(to: Load, value: Value): void {
    const { tensor } = to;
    const pen = this.#pen;
    const spot = this.#spots.of(to);
    if (tensor.dtype === "f64") {
      this.#storeDouble(spot, doubleOf(value, pen));
      return;
    }
    if (!isFloat(tensor.dtype) && value.kind === "lone" && pen.turns === undefined) {
      pen.push(i32.store(spot.address, value.value, spot.offset));
      return;
    }
    const vectors = isFloat(tensor.dtype) ? floatsOf(value, pen) : asWholes(lanesOf(value, pen), pen);
    vectors.forEach((vector, unit) => this.#storeLanes(spot, unit, vector));
  }

  /** The address of an element that is one for all lanes. */
  address(load: Load): I32 {
    const { address, offset } = this.#spots.of(load);
    return i32.add(address, i32.const(offset));
  }

  #eachUnit(make: (unit: number) => V128): V128[] {
    return Array.from({ length: this.#pen.units }, (_, unit) => make(unit));
  }

  #loadLanes({ address, offset, step }: Spot, unit: number): V128 {
    const isWhole = this.#pen.turns?.isWhole === true;
    if (!isWhole) return v128.load32_zero(address, offset);
    if (step.known === WORD) return v128.load(address, offset + 4 * WORD * unit);
    let vector = this.#laneOf({ address, offset, step }, 4 * unit, v128.load32_zero);
    for (let lane = 1; lane < 4; lane++) {
      const sofar = vector;
      vector = this.#laneOf({ address, offset, step }, 4 * unit + lane, (at, by) =>
        v128.load32_lane(at, sofar, lane, by),
      );
    }
    return vector;
  }

  #storeLanes({ address, offset, step }: Spot, unit: number, vector: V128): void {
    const pen = this.#pen;
    if (pen.turns?.isWhole !== true) {
      pen.push(v128.store32_lane(address, vector, 0, offset));
      return;
    }
    if (step.known === WORD) {
      pen.push(v128.store(address, vector, offset + 4 * WORD * unit));
      return;
    }
    const held = pen.keep(vector);
    for (let lane = 0; lane < 4; lane++)
      pen.push(
        this.#laneOf({ address, offset, step }, 4 * unit + lane, (at, by) =>
          v128.store32_lane(at, held, lane, by),
        ),
      );
  }

  /** What is done to the element of a lane, so many steps on. */
  #laneOf<R>({ address, offset, step }: Spot, steps: number, make: (address: I32, offset: number) => R): R {
    return step.known === undefined
      ? make(i32.add(address, i32.mul(step, i32.const(steps))), offset)
      : make(address, offset + step.known * steps);
  }

  #loadDouble({ address, offset, step }: Spot): Double {
    if (step.known === 0) {
      const splat = this.#pen.keep(v128.load64_splat(address, offset));
      return { kind: "double", low: [splat], high: [splat] };
    }
    invariant(step.known === 2 * WORD, "elements of float64 lie side by side");
    if (this.#pen.turns?.isWhole !== true) {
      const lane = this.#pen.keep(v128.load64_zero(address, offset));
      return { kind: "double", low: [lane], high: [lane] };
    }
    const half = (at: number): V128[] =>
      this.#eachUnit((unit) => v128.load(address, offset + 4 * step.known! * unit + at));
    return { kind: "double", low: half(0), high: half(4 * WORD) };
  }

  #storeDouble({ address, offset }: Spot, { low, high }: Double): void {
    const pen = this.#pen;
    low.forEach((vector, unit) => {
      const at = offset + 8 * WORD * unit;
      if (pen.turns?.isWhole !== true) pen.push(v128.store64_lane(address, vector, 0, offset));
      else pen.push(v128.store(address, vector, at), v128.store(address, high[unit]!, at + 4 * WORD));
    });
  }
}
