import type { StepOf } from "../../../plan/plan.ts";
import { KernelBuilder } from "../builder.ts";
import { chunksOf, CHUNK, keptElements } from "../../../kernels/recurrent.ts";
import { equal, less, minus, plus, times, type Operand } from "../formula.ts";
import type { Place } from "../place.ts";
import type { Expression, Name } from "../tree.ts";
import type { Loops } from "./kernel.ts";
import { Heads, type AtRow, type Head } from "./linear-attend.ts";

/**
 * The gradients of linear_attend by walking back over the states, which are made again: first those before each chunk of
 * positions, and then, from the last chunk to the first, those in it. So what is kept grows with the number of chunks alone.
 */
export const linear_attend_grad: Loops<"linear_attend_grad"> = (step) => new Gradient(step).kernel();

/** Where what a head has begins; `back` is the gradient of the state after a position. */
type Places = Readonly<Record<"q" | "k" | "v" | "decay" | "beta" | "back" | "grad", Place>>;

/** Of a position: its place in its chunk, the gradient of v, and what is new. */
interface OwnRow {
  readonly place: Name;
  readonly value: Place;
  readonly error: Place;
}

class Gradient {
  readonly #k = new KernelBuilder();
  readonly #heads: Heads;
  readonly #size: Expression;
  readonly #chunks: Name;
  readonly #ofLast: ((head: Head) => Place) | undefined;
  readonly #placesOf: (head: Head) => Places;
  /** States before chunks, states before and after the positions of one, and what is new at these. */
  readonly #firsts: Place;
  readonly #before: Place;
  readonly #after: Place;
  readonly #errors: Place;

  constructor({ operands, results }: StepOf<"linear_attend_grad">) {
    const k = this.#k;
    const heads = new Heads(k, operands);
    this.#heads = heads;
    this.#size = times(heads.keys, heads.width);
    this.#chunks = k.size("chunks", chunksOf(operands.k.type.shape[2]!));
    const grad = heads.ofHeads("grad", operands.grad);
    this.#ofLast = operands.grad_state && heads.ofHeads("ofLast", operands.grad_state);
    const [ofQ, ofK, ofV, ofDecay, ofBeta, ofState] = results;
    const [q, key] = [heads.ofGroups("ofQ", ofQ!), heads.ofGroups("ofK", ofK!)];
    const [v, decay, beta] = [
      heads.ofHeads("ofV", ofV!),
      heads.ofHeads("ofDecay", ofDecay!),
      heads.ofHeads("ofBeta", ofBeta!),
    ];
    const back = heads.ofHeads("back", ofState!);
    // One memory is four tensors to the kernel: lanes read nothing of one that they write elsewhere.
    const elements = keptElements(operands.k, operands.v);
    const [firsts, before, after, errors] = (["firsts", "before", "after", "errors"] as const).map((name) =>
      k.scratch(name, elements),
    );
    const states = (place: Place, count: Operand): Place => place.at(count, this.#size);
    this.#firsts = firsts!;
    this.#before = states(before!, this.#chunks);
    this.#after = states(after!, plus(this.#chunks, 1));
    this.#errors = states(errors!, plus(this.#chunks, CHUNK + 1));
    this.#placesOf = (head) => ({
      q: q(head),
      k: key(head),
      v: v(head),
      decay: decay(head),
      beta: beta(head),
      back: back(head),
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
      heads.begin(head, this.#firsts);
      k.turns("early", minus(this.#chunks, 1), (chunk) => {
        this.#forward(head, chunk);
        const next = this.#firsts.at(plus(chunk, 1), this.#size);
        // The state after the last position of a chunk is that before the next one.
        const last = this.#after.at(CHUNK - 1, this.#size);
        k.lanes("c", this.#size, (c) => k.store(next.at(c), last.at(c)));
      });
      this.#begin(head, places);
      k.turns("later", this.#chunks, (later) => {
        const chunk = k.let("chunk", minus(minus(this.#chunks, 1), later));
        this.#forward(head, chunk);
        this.#backward(head, places, chunk);
      });
    });
    const doc = "The gradients of linear_attend, walking back over its states, a chunk at a time.";
    return k.finish(heads.nameOf("linear_attend_grad"), doc);
  }

  /** The states of a chunk, and what is new at each of its positions. */
  #forward(head: Head, chunk: Name): void {
    const [k, heads, size] = [this.#k, this.#heads, this.#size];
    const first = this.#firsts.at(chunk, size);
    k.lanes("c", size, (c) => k.store(this.#before.at(c), first.at(c)));
    k.turns("place", CHUNK, (place) => {
      const t = k.let("t", plus(times(chunk, CHUNK), place));
      k.when(less(t, heads.rows), () => {
        const at = heads.at(head, t);
        const [before, after] = [this.#before.at(place, size), this.#after.at(place, size)];
        const own = this.#errors.at(place, heads.width);
        k.lanes("j", heads.width, (j) => k.store(own.at(j), heads.change(at, before, j).error));
        k.lanes("j", heads.width, (j) => {
          const change = scaled(at, own.at(j));
          k.turns("i", heads.keys, (i) => {
            const fallen = times(at.fall(i), before.at(i, heads.width).at(j));
            k.store(after.at(i, heads.width).at(j), plus(fallen, times(at.k.at(i), change)));
          });
        });
      });
    });
  }

  /** From the last position of a chunk to its first. */
  #backward(head: Head, places: Places, chunk: Name): void {
    const [k, heads] = [this.#k, this.#heads];
    k.turns("behind", CHUNK, (behind) => {
      const place = k.let("place", minus(CHUNK - 1, behind));
      const t = k.let("t", plus(times(chunk, CHUNK), place));
      k.when(less(t, heads.rows), () => {
        const at = heads.at(head, t);
        const own = { place, value: heads.row(places.v, t), error: this.#errors.at(place, heads.width) };
        this.#ofQueries(at, places, own, t);
        this.#ofValues(at, places, own, t);
        this.#ofKeys(at, places, own, t);
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
  #ofQueries(at: AtRow, { q, back, grad }: Places, { place: own }: OwnRow, t: Name): void {
    const [k, { keys, width }] = [this.#k, this.#heads];
    const after = this.#after.at(own, this.#size);
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
    { k: ofK, decay, back }: Places,
    { place: own, value: ofValue, error }: OwnRow,
    t: Name,
  ): void {
    const [k, heads] = [this.#k, this.#heads];
    const { keys, width, hasBeta, isByChannel } = heads;
    const before = this.#before.at(own, this.#size);
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
