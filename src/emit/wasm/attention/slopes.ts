import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { alongRow, type ScoreRow } from "./scores.ts";

interface Where {
  readonly k: KernelWriter;
  readonly phase: Phase;
}

/** A row of weights and of the gradients that reach them; where they are those of key 0, as in a row of scores. */
export interface SlopeRow extends ScoreRow {
  readonly slopes: I32;
}

const unlessZero = (weight: V128, value: V128): V128 => v128.and(value, f32x4.ne(weight, v128.zero));

/** Powers become weights by their share of the sum; `mean` takes in, lane by lane, the mean of the gradients by weight. */
export const meanOfRow = (where: Where, row: SlopeRow, share: V128, mean: Local<"v128">): Statement =>
  alongRow(where, row, ({ load, offset }, body) => {
    const weights = where.phase.locals("v128", load(row.at).length);
    load(row.at).forEach((power, u) => body.push(weights[u]!.set(f32x4.mul(power, share))));
    const products = load(row.slopes).map((slope, u) => f32x4.mul(slope, weights[u]!.get));
    weights.forEach(({ get }, u) => body.push(v128.store(i32.add(row.at, offset), get, 16 * u)));
    products.forEach((product, u) =>
      body.push(mean.set(f32x4.add(mean.get, unlessZero(weights[u]!.get, product)))),
    );
  });

/** Gradients of weights become those of scores: P (dP - Σ P dP), and 0 for a key without weight. */
export const slopesOfRow = (where: Where, row: SlopeRow, mean: V128): Statement =>
  alongRow(where, row, ({ load, offset }, body) => {
    const weights = where.phase.locals("v128", load(row.at).length);
    load(row.at).forEach((weight, u) => body.push(weights[u]!.set(weight)));
    load(row.slopes).forEach((slope, u) => {
      const { get } = weights[u]!;
      const product = f32x4.mul(get, f32x4.sub(slope, mean));
      body.push(v128.store(i32.add(row.slopes, offset), unlessZero(get, product), 16 * u));
    });
  });

/** Gradients of capped scores become those of the products below the cap: times 1 - tanh². */
export const uncapRow = (where: Where, row: SlopeRow, tangents: I32): Statement =>
  alongRow(where, row, ({ load, offset }, body) => {
    const tanh = where.phase.locals("v128", load(tangents).length);
    load(tangents).forEach((x, u) => body.push(tanh[u]!.set(x)));
    load(row.slopes).forEach((slope, u) => {
      const { get } = tanh[u]!;
      const product = f32x4.mul(slope, f32x4.sub(where.k.constants.splat(1), f32x4.mul(get, get)));
      body.push(v128.store(i32.add(row.slopes, offset), unlessZero(slope, product), 16 * u));
    });
  });

/** Zeros for the keys from one to another, both multiples of 4, of the row whose key 0 would stand at `at`. */
export const clearKeys = (phase: Phase, at: I32, from: I32, to: I32): Statement =>
  phase.range(from, to, 4, (key) => [v128.store(i32.add(at, i32.shl(key, i32.const(2))), v128.zero)]);
