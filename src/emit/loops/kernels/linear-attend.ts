import type { View } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { divideDims } from "../../../tensor/dim.ts";
import { KernelBuilder } from "../builder.ts";
import { minus, number, plus, power, times, type Operand } from "../formula.ts";
import type { Place } from "../place.ts";
import type { Expression, Name } from "../tree.ts";
import type { Loops } from "./kernel.ts";

/** S ← e^decay S, S ← S + β k (v − Sᵀ k)ᵀ, out = Sᵀ q: heads at once, positions one after the other. */
export const linear_attend: Loops<"linear_attend"> = ({ operands, results }) => {
  const k = new KernelBuilder();
  const heads = new Heads(k, operands);
  const out = heads.ofHeads("out", results[0]!);
  const last = heads.ofHeads("last", results[1]!);
  const { rows, keys, width } = heads;
  heads.each("rows", (head) => {
    const state = last(head);
    heads.begin(head, state);
    k.turns("t", rows, (t) => {
      const at = heads.at(head, t);
      const answer = heads.row(out(head), t);
      // What is new waits where the answer will be.
      k.lanes("j", width, (j) => k.store(answer.at(j), heads.change(at, state, j).times));
      k.lanes("j", width, (j) => {
        const change = k.let("taken", answer.at(j));
        const sum = k.total("sum");
        k.turns("i", keys, (i) => {
          const place = state.at(i, width).at(j);
          const next = k.let("next", plus(times(at.fall(i), place), times(at.k.at(i), change)));
          k.store(place, next);
          k.take(sum, times(next, at.q.at(i)));
        });
        k.store(answer.at(j), sum);
      });
    });
  });
  return k.finish(
    heads.nameOf("linear_attend"),
    "A matrix a head that falls, takes what is new at each position, and is read.",
  );
};

/** The indices of a head: of the batch, of a head of q and k, and of those of v that it serves. */
export type Head = readonly [batch: Name, group: Name, member: Name];

type Operands = Pick<StepOf<"linear_attend">["operands"], "q" | "k" | "v" | "decay" | "beta" | "state">;

/** Where what a head has begins. */
type Begins = Readonly<Record<"q" | "k" | "v", Place> & Record<"decay" | "beta", Place | undefined>>;

/** What a head has at one position. */
export interface AtRow {
  readonly q: Place;
  readonly k: Place;
  readonly v: Place;
  readonly beta: Place | undefined;
  /** By what the row of S of a channel of the keys is multiplied. */
  readonly fall: (i: Operand) => Expression;
}

/** The operands of a linear attention by head and row, for the kernel and that of its gradient. */
export class Heads {
  readonly rows: Name;
  readonly keys: Name;
  readonly width: Name;
  readonly #k: KernelBuilder;
  readonly #sizes: readonly [Name, Name, Name];
  readonly #strides = new Map<string, readonly Expression[]>();
  readonly #q: Place;
  readonly #key: Place;
  readonly #v: Place;
  readonly #decay: Place | undefined;
  readonly #beta: Place | undefined;
  readonly #first: ((head: Head) => Place) | undefined;
  readonly #isByChannel: boolean;
  readonly #places = new Map<Head, Begins>();

  constructor(k: KernelBuilder, { q, k: key, v, decay, beta, state }: Operands) {
    const [batch, groups, rows, keys] = q.type.shape;
    const [, heads, , width] = v.type.shape;
    this.#k = k;
    this.#sizes = [
      k.size("batch", batch!),
      k.size("groups", groups!),
      k.size("members", divideDims(heads!, groups!)!),
    ];
    [this.rows, this.keys, this.width] = [
      k.size("rows", rows!),
      k.size("keys", keys!),
      k.size("width", width!),
    ];
    [this.#q, this.#key, this.#v] = [this.#given("q", q), this.#given("k", key), this.#given("v", v)];
    this.#decay = decay && this.#given("decay", decay);
    this.#beta = beta && this.#given("beta", beta);
    this.#first = state && this.ofHeads("state", state);
    this.#isByChannel = decay?.type.shape.length === 4;
  }

  /** Kernels differ by what there is. */
  nameOf(op: string): string {
    const words = [
      ...(this.#decay === undefined ? [] : [this.#isByChannel ? "channel_decay" : "decay"]),
      ...(this.#beta === undefined ? [] : ["beta"]),
      ...(this.#first === undefined ? [] : ["state"]),
    ];
    return [op, ...words].join("_");
  }

  /** Whether there is a decay for each channel of the keys. */
  get isByChannel(): boolean {
    return this.#isByChannel;
  }

  get hasBeta(): boolean {
    return this.#beta !== undefined;
  }

  #given(name: string, view: View): Place {
    const strides = view.strides.map((stride, axis) => this.#k.stride(`${name}Step${axis}`, stride));
    this.#strides.set(name, strides);
    return this.#k.tensor(name, view);
  }

  /** A tensor [B, H or G, …] by head: its first element there. */
  ofHeads(name: string, view: View): (head: Head) => Place {
    const place = this.#given(name, view);
    return (head) => this.#headOf(place, head);
  }

  /** A tensor [B, G, …] by the heads of q and k. */
  ofGroups(name: string, view: View): (head: Head) => Place {
    const place = this.#given(name, view);
    return ([batch, group]) => this.#walked(place, [batch, group]);
  }

  #headOf(place: Place, [batch, group, member]: Head): Place {
    const ofHead = this.#strides.get(place.tensor.name)![1]!;
    const first = this.#walked(place, [batch]).at(times(group, this.#sizes[2]), ofHead);
    return first.at(member, ofHead);
  }

  #walked(place: Place, indices: readonly Operand[]): Place {
    const strides = this.#strides.get(place.tensor.name)!;
    return indices.reduce<Place>((at, index, axis) => at.at(index, strides[axis]), place);
  }

  /** A row of a tensor [B, H, T, …] of which a head is given. */
  row(head: Place, t: Operand): Place {
    return head.at(t, this.#strides.get(head.tensor.name)![2]);
  }

  /** All heads; those that share a head of q and k follow each other where `order` says so. */
  each(order: "rows" | "turns", body: (head: Head) => void): void {
    const [batch, groups, members] = this.#sizes;
    this.#k.rows("b", batch, (b) =>
      this.#k.rows("g", groups, (g) => this.#k.loop(order, "m", members, (m) => body([b, g, m]))),
    );
  }

  /** Writes the state before the first position. */
  begin(head: Head, into: Place): void {
    const size = times(this.keys, this.width);
    if (this.#first === undefined) this.#k.clear(into, size);
    else {
      const first = this.#first(head);
      this.#k.lanes("c", size, (c) => this.#k.store(into.at(c), first.at(c)));
    }
  }

  /** The places of a head, which all walks over its rows begin at. */
  #begins(head: Head): Begins {
    const known = this.#places.get(head);
    if (known !== undefined) return known;
    const ofGroup = (place: Place): Place => this.#walked(place, head.slice(0, 2));
    const places: Begins = {
      q: ofGroup(this.#q),
      k: ofGroup(this.#key),
      v: this.#headOf(this.#v, head),
      decay: this.#decay && this.#headOf(this.#decay, head),
      beta: this.#beta && this.#headOf(this.#beta, head),
    };
    this.#places.set(head, places);
    return places;
  }

  at(head: Head, t: Operand): AtRow {
    const begins = this.#begins(head);
    const decay = begins.decay && this.row(begins.decay, t);
    const channels = this.#strides.get("decay")?.[3];
    const fall = decay && !this.#isByChannel ? this.#k.let("fall", power(decay)) : undefined;
    return {
      q: this.row(begins.q, t),
      k: this.row(begins.k, t),
      v: this.row(begins.v, t),
      beta: begins.beta && this.row(begins.beta, t),
      fall: (i) => (decay === undefined ? number(1) : (fall ?? power(decay.at(i, channels)))),
    };
  }

  /** In a lane: what a channel of the values is beside what S knows of it, and what S takes of that, times k. */
  change(
    { k: key, v, beta, fall }: AtRow,
    state: Place,
    j: Name,
  ): { readonly error: Expression; readonly times: Expression } {
    const k = this.#k;
    if (beta === undefined) {
      const value = k.let("value", v.at(j));
      return { error: value, times: value };
    }
    const known = k.total("known");
    k.turns("i", this.keys, (i) =>
      k.take(known, times(times(fall(i), state.at(i, this.width).at(j)), key.at(i))),
    );
    const error = k.let("error", minus(v.at(j), known));
    return { error, times: k.let("change", times(beta, error)) };
  }
}
