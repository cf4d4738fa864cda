import type { CharacterSet, Tree } from "./regex-tree.ts";

/** What a pattern does, step by step; `next` and `other` are places in the program. */
export type Instruction =
  /** Takes one character. */
  | { readonly does: "take"; readonly set: CharacterSet }
  /** Takes as many characters as there are, at most `most`, and gives back one by one. */
  | { readonly does: "take many"; readonly set: CharacterSet; readonly most: number; readonly split: number }
  /** Takes as many as there are, and gives none back. */
  | { readonly does: "take all"; readonly set: CharacterSet; readonly index: number }
  /** Goes on at `next`; if that fails, at `other`. */
  | { readonly does: "split"; readonly next: number; readonly other: number; readonly split: number }
  | { readonly does: "jump"; readonly next: number }
  /** Whether the next character, or the one before, is in a set. */
  | {
      readonly does: "peek";
      readonly set: CharacterSet;
      readonly isBehind: boolean;
      readonly isNegated: boolean;
    }
  /** Whether a program matches here, backwards if it looks behind. */
  | {
      readonly does: "look";
      readonly program: Program;
      readonly isBehind: boolean;
      readonly isNegated: boolean;
    }
  /** Takes what a program takes, which has no second way. */
  | { readonly does: "commit"; readonly program: Program }
  | { readonly does: "match" };

export interface Program {
  readonly instructions: readonly Instruction[];
  /** How many instructions have two ways, numbered by `split`. */
  readonly splits: number;
  /** How many instructions `take all`, numbered by `index`. */
  readonly runs: number;
}

/** Most steps of a program, repetitions with a bound counted as often as they may run. Published patterns have 60. */
const MOST_STEPS = 600;

/** The same of what looks around or is atomic, which runs anew wherever it is met. */
const MOST_INNER_STEPS = 64;

/**
 * The program of a pattern. `refuse` is told of what could take more time than the length of a text: what looks around,
 * or gives nothing back, must have an end in sight, as it is not remembered where it failed.
 */
export function programOf(tree: Tree, refuse: (why: string) => never): Program {
  const writer = new Writer(false, MOST_STEPS, refuse);
  writer.write(tree);
  return writer.end();
}

class Writer {
  readonly #instructions: Instruction[] = [];
  readonly #isBackwards: boolean;
  readonly #mostSteps: number;
  readonly #refuse: (why: string) => never;
  #steps = 0;
  #splits = 0;
  #runs = 0;

  constructor(isBackwards: boolean, mostSteps: number, refuse: (why: string) => never) {
    this.#isBackwards = isBackwards;
    this.#mostSteps = mostSteps;
    this.#refuse = refuse;
  }

  end(): Program {
    this.#add({ does: "match" });
    return { instructions: this.#instructions, splits: this.#splits, runs: this.#runs };
  }

  write(tree: Tree): void {
    switch (tree.kind) {
      case "set":
        this.#add({ does: "take", set: tree.set });
        return;
      case "sequence":
        for (const part of this.#isBackwards ? tree.parts.toReversed() : tree.parts) this.write(part);
        return;
      case "choice":
        this.#writeChoice(tree.parts);
        return;
      case "repeat":
        this.#writeRepeat(tree);
        return;
      case "atomic":
        this.#writeAtomic(tree.part);
        return;
      case "look": {
        const { part, isBehind, isNegated } = tree;
        if (part.kind === "set") this.#add({ does: "peek", set: part.set, isBehind, isNegated });
        else this.#add({ does: "look", program: this.#inner(part, isBehind), isBehind, isNegated });
      }
    }
  }

  #writeChoice(parts: readonly Tree[]): void {
    const ends: number[] = [];
    for (const [index, part] of parts.entries()) {
      if (index === parts.length - 1) {
        this.write(part);
        break;
      }
      const split = this.#hold();
      this.write(part);
      ends.push(this.#hold());
      this.#split(split, split + 1, this.#here);
    }
    for (const end of ends) this.#instructions[end] = { does: "jump", next: this.#here };
  }

  #writeRepeat({ part, least, most, isLazy }: Tree & { kind: "repeat" }): void {
    for (let count = 0; count < least; count++) this.write(part);
    if (most === least) return;
    if (most === Infinity) this.#requireOuter("repeats without end");
    if (part.kind === "set" && !isLazy && !this.#isBackwards) {
      this.#spend(most === Infinity ? 0 : most - least);
      this.#add({ does: "take many", set: part.set, most: most - least, split: this.#splits++ });
      return;
    }
    if (most !== Infinity) {
      const splits: number[] = [];
      for (let count = least; count < most; count++) {
        splits.push(this.#hold());
        this.write(part);
      }
      for (const at of splits) this.#either(at, at + 1, this.#here, isLazy);
      return;
    }
    const at = this.#hold();
    this.write(part);
    this.#add({ does: "jump", next: at });
    this.#either(at, at + 1, this.#here, isLazy);
  }

  /** A repetition of one character remembers where its run ended; other parts are programs of their own. */
  #writeAtomic(part: Tree): void {
    if (part.kind === "repeat" && part.part.kind === "set" && part.most === Infinity && !part.isLazy) {
      this.#requireOuter("repeats without end");
      for (let count = 0; count < part.least; count++) this.write(part.part);
      this.#add({ does: "take all", set: part.part.set, index: this.#runs++ });
    } else this.#add({ does: "commit", program: this.#inner(part, this.#isBackwards) });
  }

  #inner(part: Tree, isBackwards: boolean): Program {
    const writer = new Writer(isBackwards, Math.min(this.#mostSteps, MOST_INNER_STEPS), this.#refuse);
    writer.write(part);
    this.#spend(writer.#steps);
    return writer.end();
  }

  #requireOuter(what: string): void {
    if (this.#mostSteps <= MOST_INNER_STEPS)
      this.#refuse(`what looks around or gives nothing back ${what}, which may take too long`);
  }

  get #here(): number {
    return this.#instructions.length;
  }

  #add(instruction: Instruction): void {
    this.#spend(1);
    this.#instructions.push(instruction);
  }

  /** A place for an instruction that is known later. */
  #hold(): number {
    this.#add({ does: "match" });
    return this.#here - 1;
  }

  #split(at: number, next: number, other: number): void {
    this.#instructions[at] = { does: "split", next, other, split: this.#splits++ };
  }

  #either(at: number, inside: number, behind: number, isLazy: boolean): void {
    if (isLazy) this.#split(at, behind, inside);
    else this.#split(at, inside, behind);
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#mostSteps)
      this.#refuse(
        `${this.#mostSteps <= MOST_INNER_STEPS ? "what looks around or gives nothing back" : "it"} has more than ${this.#mostSteps} steps`,
      );
  }
}
