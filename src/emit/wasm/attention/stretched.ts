import type { View } from "../../../kernels/view.ts";
import { dim, multiplyDims, sameDim } from "../../../tensor/dim.ts";
import { sequence, type I32, type Statement, type V128 } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import {} from "./geometry.ts";

/** Whose row of scores it is. */
export interface RowOf {
  readonly item: I32;
  readonly head: I32;
  readonly query: I32;
}

/** A tensor that stretches to the scores [B, H, T, S], read along rows, four keys at a time. */
export class Stretched {
  readonly #at: I32;
  /** Bytes of a step to the next item, head, query and key. */
  readonly #strides: readonly I32[];
  readonly #keys: "same" | "neighbours" | "apart";
  readonly #row: Local<"i32">;
  readonly #lanes: Local<"v128">;

  constructor(k: KernelWriter, phase: Phase, view: View) {
    this.#at = k.address(view)(phase);
    this.#strides = view.strides.map((stride) => k.size(multiplyDims(stride, dim(4)))(phase));
    const byKey = view.strides[3];
    this.#keys = sameDim(byKey, dim(0)) ? "same" : sameDim(byKey, dim(1)) ? "neighbours" : "apart";
    this.#row = phase.local("i32");
    this.#lanes = phase.local("v128");
  }

  /** The four that were taken. */
  get lanes(): V128 {
    return this.#lanes.get;
  }

  begin({ item, head, query }: RowOf): Statement {
    const [byItem, byHead, byQuery] = this.#strides;
    const first = i32.add(this.#at, i32.mul(item, byItem!));
    const ofHead = i32.add(first, i32.mul(head, byHead!));
    return this.#row.set(i32.add(ofHead, i32.mul(query, byQuery!)));
  }

  /** Takes those of four keys, of which those from `count` on are as the last. */
  take(key: I32, count: I32): Statement {
    const row = this.#row.get;
    if (this.#keys === "same") return this.#lanes.set(v128.load32_splat(row));
    const at = (lane: number): I32 => {
      const held = lesser(i32.add(key, i32.const(lane)), i32.sub(count, i32.const(1)));
      return i32.add(row, i32.mul(held, this.#strides[3]!));
    };
    const single = [
      this.#lanes.set(v128.load32_zero(at(0))),
      ...[1, 2, 3].map((lane) => this.#lanes.set(v128.load32_lane(at(lane), this.#lanes.get, lane))),
    ];
    if (this.#keys === "apart") return sequence(...single);
    const together = this.#lanes.set(v128.load(i32.add(row, i32.shl(key, i32.const(2)))));
    return when(i32.le_s(i32.add(key, i32.const(4)), count), [together], single);
  }
}
