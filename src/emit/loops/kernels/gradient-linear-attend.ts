import type { StepOf } from "../../../plan/plan.ts";
import { KernelBuilder } from "../builder.ts";
import { equal, minus, plus, times } from "../formula.ts";
import type { Place } from "../place.ts";
import type { Expression, Name } from "../tree.ts";
import type { Loops } from "./kernel.ts";
import { Heads, type AtRow, type Head } from "./linear-attend.ts";

/** The gradients of linear_attend by walking back over the states of all positions, which are made again first. */
export const linear_attend_grad: Loops<"linear_attend_grad"> = (step) => new Gradient(step).kernel();

/** Where what a head has begins; `back` is the gradient of the state after a position. */
type Places = Readonly<
  Record<"q" | "k" | "v" | "decay" | "beta" | "back" | "kept" | "earlier" | "errors" | "grad", Place>
>;

/** Of a position: the gradient of v, and what is new. */
type OwnRow = Readonly<Record<"value" | "error", Place>>;

class Gradient {
  readonly #k = new KernelBuilder();
  readonly #heads: Heads;
  readonly #size: Expression;
  readonly #ofLast: ((head: Head) => Place) | undefined;
  readonly #placesOf: (head: Head) => Places;

  constructor({ operands, results }: StepOf<"linear_attend_grad">) {
    const heads = new Heads(this.#k, operands);
    this.#heads = heads;
    this.#size = times(heads.keys, heads.width);
    const grad = heads.ofHeads("grad", operands.grad);
    this.#ofLast = operands.grad_state && heads.ofHeads("ofLast", operands.grad_state);
    const [ofQ, ofK, ofV, ofDecay, ofBeta, ofState, keptView] = results;
    const [q, k] = [heads.ofGroups("ofQ", ofQ!), heads.ofGroups("ofK", ofK!)];
    const [v, decay, beta] = [
      heads.ofHeads("ofV", ofV!),
      heads.ofHeads("ofDecay", ofDecay!),
      heads.ofHeads("ofBeta", ofBeta!),
    ];
    const back = heads.ofHeads("back", ofState!);
    // What is kept is three tensors to the kernel: lanes read nothing of one that they write elsewhere.
    const [kept, earlier, errors] = (["kept", "earlier", "errors"] as const).map((name) =>
      heads.ofHeads(name, keptView!),
    );
    this.#placesOf = (head) => ({
      q: q(head),
      k: k(head),
      v: v(head),
      decay: decay(head),
      beta: beta(head),
      back: back(head),
      kept: kept!(head),
      earlier: earlier!(head),
      errors: errors!(head).at(plus(heads.rows, 1), this.#size),
      grad: grad(head),
    });
  }

  /** Heads that share q and k add to their gradients one after the other. */
  kernel() {
    const [k, heads] = [this.#k, this.#heads];
    heads.each("turns", (head) => {
      const places = this.#placesOf(head);
      k.when(equal(head[2], 0), () => {
        for (const shared of [places.q, places.k]) k.clear(shared, times(heads.rows, heads.keys));
      });
      this.#forward(head, places);
      this.#begin(head, places);
      k.turns("later", heads.rows, (later) => {
        const t = k.let("t", minus(minus(heads.rows, 1), later));
        const at = heads.at(head, t);
        const own = { value: heads.row(places.v, t), error: places.errors.at(t, heads.width) };
        this.#ofQueries(at, places, t);
        this.#ofValues(at, places, own, t);
        this.#ofKeys(at, places, own, t);
      });
    });
    const doc = "The gradients of linear_attend, walking back over its states.";
    return k.finish(heads.nameOf("linear_attend_grad"), doc);
  }

  /** The states of all positions, and what is new at each. */
  #forward(head: Head, { kept, earlier, errors }: Places): void {
    const [k, heads, size] = [this.#k, this.#heads, this.#size];
    heads.begin(head, kept);
    k.turns("t", heads.rows, (t) => {
      const at = heads.at(head, t);
      const [before, after] = [earlier.at(t, size), kept.at(plus(t, 1), size)];
      const own = errors.at(t, heads.width);
      k.lanes("j", heads.width, (j) => k.store(own.at(j), heads.change(at, before, j).error));
      k.lanes("j", heads.width, (j) => {
        const change = scaled(at, own.at(j));
        k.turns("i", heads.keys, (i) => {
          const fallen = times(at.fall(i), before.at(i, heads.width).at(j));
          k.store(after.at(i, heads.width).at(j), plus(fallen, times(at.k.at(i), change)));
        });
      });
    });
  }

  #begin(head: Head, { back }: Places): void {
    if (this.#ofLast === undefined) this.#k.clear(back, this.#size);
    else {
      const last = this.#ofLast(head);
      this.#k.lanes("c", this.#size, (c) => this.#k.store(back.at(c), last.at(c)));
    }
  }

  /** out = Sᵀ q: to q, and to the state after the position. */
  #ofQueries(at: AtRow, { q, back, kept, grad }: Places, t: Name): void {
    const [k, { keys, width }] = [this.#k, this.#heads];
    const after = kept.at(plus(t, 1), this.#size);
    const [row, ofQuery] = [this.#heads.row(grad, t), this.#heads.row(q, t)];
    k.turns("i", keys, (i) => {
      const sum = k.total("sum");
      k.lanes("j", width, (j) => {
        const place = back.at(i, width).at(j);
        k.take(sum, times(after.at(i, width).at(j), row.at(j)));
        k.store(place, plus(place, times(at.q.at(i), row.at(j))));
      });
      k.add(ofQuery.at(i), sum);
    });
  }

  /** What is new goes into S times k: to v and beta. */
  #ofValues(at: AtRow, { beta, back }: Places, { value: ofValue, error }: OwnRow, t: Name): void {
    const [k, { keys, width }] = [this.#k, this.#heads];
    const betaSum = k.total("betaSum");
    k.lanes("j", width, (j) => {
      const ofChange = k.total("ofChange");
      k.turns("i", keys, (i) => k.take(ofChange, times(at.k.at(i), back.at(i, width).at(j))));
      k.store(ofValue.at(j), scaled(at, ofChange));
      k.take(betaSum, times(ofChange, error.at(j)));
    });
    k.store(this.#heads.row(beta, t), betaSum);
  }

  /** To k, to the decay, and to the state before the position. */
  #ofKeys(
    at: AtRow,
    { k: ofK, decay, back, earlier }: Places,
    { value: ofValue, error }: OwnRow,
    t: Name,
  ): void {
    const [k, heads] = [this.#k, this.#heads];
    const { keys, width, hasBeta, isByChannel } = heads;
    const before = earlier.at(t, this.#size);
    const [ofKey, ofDecay] = [heads.row(ofK, t), heads.row(decay, t)];
    const fallSum = isByChannel ? undefined : k.total("fallSum");
    k.turns("i", keys, (i) => {
      const [keySum, rowSum] = [k.total("keySum"), k.total("rowSum")];
      k.lanes("j", width, (j) => {
        const place = back.at(i, width).at(j);
        const pull = k.let("pull", place);
        const fallen = k.let("fallen", times(at.fall(i), before.at(i, width).at(j)));
        const rest = k.let("rest", hasBeta ? minus(pull, times(at.k.at(i), ofValue.at(j))) : pull);
        const taken = times(pull, scaled(at, error.at(j)));
        k.take(keySum, hasBeta ? minus(taken, times(ofValue.at(j), fallen)) : taken);
        k.take(rowSum, times(rest, fallen));
        k.store(place, times(at.fall(i), rest));
      });
      k.add(ofKey.at(i), keySum);
      if (fallSum === undefined) k.store(ofDecay.at(i), rowSum);
      else k.take(fallSum, rowSum);
    });
    if (fallSum !== undefined) k.store(ofDecay, fallSum);
  }
}

/** Times beta, if there is one. */
const scaled = ({ beta }: AtRow, x: Expression): Expression => (beta === undefined ? x : times(beta, x));
