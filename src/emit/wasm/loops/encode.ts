import type { Expression, LoopKernel, Name, Statement, Tensor } from "../../loops/tree.ts";
import type { I32 } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import type { Kernel, KernelWriter } from "../kernel.ts";
import { Chunks } from "./chunks.ts";
import type { Encoder } from "./encoder.ts";
import { Given } from "./given.ts";
import { countOf, GRAIN, runNest } from "./nest.ts";
import { lone } from "./values.ts";
import { storesOf } from "./still.ts";
import { planOf, readsOf, statementsOf, type Plan, type Work } from "./work.ts";

/** A kernel of loops as phases that threads share. */
export function encodeLoops(kernel: LoopKernel, k: KernelWriter): Kernel {
  const plan = planOf(kernel);
  const given = new Given(kernel, k, endsOf(plan));
  new Sharing(plan, given, new Chunks(kernel, plan, k)).write();
  return k.finish(kernel.name, kernel.doc);
}

/** Where loops of lanes end that threads share: the only thing that a size changes there. */
const endsOf = ({ works }: Plan): ReadonlySet<Expression> =>
  new Set(
    works
      .flatMap((work) => (work.kind === "shared" || work.kind === "reduced" ? work.nest.loops : []))
      .flatMap(({ order, to }) => (order === "lanes" ? [to] : [])),
  );

class Sharing {
  readonly #plan: Plan;
  readonly #given: Given;
  readonly #chunks: Chunks;

  constructor(plan: Plan, given: Given, chunks: Chunks) {
    this.#plan = plan;
    this.#given = given;
    this.#chunks = chunks;
  }

  write(): void {
    for (const work of this.#plan.works) {
      this.#phase(work, (encoder) => this.#work(work, encoder));
      if (work.kind === "reduced" && work.sums.length > 0)
        this.#phase(work, (encoder) => this.#chunks.addUp(work, encoder));
    }
  }

  /** Writes a phase; before its work stand the numbers that it reads. */
  #phase(work: Work, write: (encoder: Encoder) => void): void {
    const phase = this.#given.k.phase();
    const encoder = this.#given.encoder(phase);
    const statements = encoder.pen.inside(() => {
      this.#own(work, encoder);
      write(encoder);
    });
    for (const statement of statements) phase.push(statement);
  }

  /** What the work reads of numbers that every thread computes, of totals that chunks have, and of tables. */
  #own(work: Work, encoder: Encoder): void {
    const wanted = new Set<Name | Tensor>(readsOf(statementsOf(work)));
    const needed = this.#plan.own.toReversed().filter((each) => {
      const isNeeded =
        each.kind === "let"
          ? wanted.has(each.name)
          : storesOf([each]).some(({ tensor }) => wanted.has(tensor));
      if (isNeeded) for (const read of readsOf([each])) wanted.add(read);
      return isNeeded;
    });
    this.#chunks.restore(work, wanted, encoder);
    encoder.statements(needed.toReversed());
  }

  #work(work: Work, encoder: Encoder): void {
    const { pen } = encoder;
    const { writer } = pen;
    switch (work.kind) {
      case "shared": {
        const isLanes = work.nest.loops[0]!.order === "lanes";
        const { from, to } = writer.share(countOf(work.nest, encoder), isLanes ? GRAIN : 1);
        runNest(work.nest, encoder, from, to);
        return;
      }
      case "cleared":
        for (const clear of work.clears) {
          const { from, to } = writer.share(encoder.formulas.whole(clear.count), GRAIN);
          encoder.clear(clear, from, to);
        }
        return;
      case "columns":
        this.#columns(work, encoder);
        return;
      case "reduced":
        this.#chunks.reduce(work, encoder);
        return;
      case "alone": {
        const body = pen.inside(() => encoder.statements(work.statements));
        pen.push(when(i32.eqz(writer.rank), body));
      }
    }
  }

  /** Each thread does all turns, for its part of the lanes. */
  #columns({ nest, lanes }: Extract<Work, { kind: "columns" }>, encoder: Encoder): void {
    const { formulas, pen } = encoder;
    const { from, to } = pen.writer.share(formulas.whole(lanes.to), GRAIN);
    const bound = (name: string, value: I32): Name => {
      const made: Name = { kind: "name", name, type: "whole" };
      formulas.define(made, () => lone(value));
      return made;
    };
    const part = { ...lanes, from: bound("from", from), to: bound("to", to) };
    const body = nest.body.map((each): Statement => (each === lanes ? part : each));
    runNest({ ...nest, body }, encoder, i32.const(0), countOf(nest, encoder));
  }
}
