import type { Instruction, Program } from "./regex-program.ts";
import type { CharacterSet } from "./regex-tree.ts";

/** Where a pattern matched. */
export interface Match {
  readonly start: number;
  readonly end: number;
}

/** Steps on the way through a text, for each of its units and at all, after which it is remembered what failed. */
const STEPS = { each: 64, atAll: 10_000 };

/** Places that are remembered together. */
const BLOCK = 1024;

/**
 * Looks for a pattern in one text, from left to right. It backtracks, as Oniguruma does; where that takes long, it
 * remembers at which places which ways failed, as a way that failed once fails whatever led to it. So the time is at most
 * the length of the text times the steps of the program, even for `(a+)+$`.
 */
export class Search {
  readonly #program: Program;
  readonly #text: string;
  /** By `take all`: where its last run began and ended. */
  readonly #runs: Int32Array;
  #steps: number = STEPS.atAll;
  /** Undefined as long as nothing took long. */
  #failed: Failures | undefined;

  constructor(program: Program, text: string) {
    this.#program = program;
    this.#text = text;
    this.#runs = new Int32Array(2 * program.runs).fill(-1);
  }

  /** The first match that begins at `from` or behind; never asked for one before the last. */
  next(from: number): Match | undefined {
    for (let start = from; start <= this.#text.length; start += widthAt(this.#text, start)) {
      const end = this.#matchAt(start);
      if (end >= 0) return { start, end };
    }
    return undefined;
  }

  #matchAt(start: number): number {
    this.#steps += STEPS.each;
    this.#failed?.forgetBefore(start);
    let end = this.#run(this.#program, start, false, this.#failed);
    if (end === TOO_LONG) {
      this.#failed = new Failures(this.#program.splits);
      end = this.#run(this.#program, start, false, this.#failed);
    }
    // A way that led to the match ended there: what is remembered of that place may be a part of it.
    if (end >= 0) this.#failed?.forgetAt(end);
    return end;
  }

  /** Where the program ends if it begins at a place; negative if it does not match. */
  #run(program: Program, start: number, isBackwards: boolean, failed: Visited | undefined): number {
    const { instructions } = program;
    const text = this.#text;
    const ways = new Ways(text);
    let [step, at] = [0, start];
    for (;;) {
      if (failed === undefined && this.#steps-- < 0) return TOO_LONG;
      const instruction: Instruction = instructions[step]!;
      let isAlive = true;
      switch (instruction.does) {
        case "take":
          at = isBackwards ? before(text, at, instruction.set) : behind(text, at, instruction.set);
          isAlive = at >= 0;
          step++;
          break;
        case "take many": {
          const to = this.#takeMany(instruction, at, failed);
          isAlive = to >= 0;
          if (to > at) ways.add(step, at, to);
          at = to;
          step++;
          break;
        }
        case "take all":
          at = this.#endOfRun(instruction.set, instruction.index, at);
          step++;
          break;
        case "split":
          isAlive = failed?.visit(instruction.split, at) !== true;
          if (isAlive) ways.add(instruction.other, at, at);
          step = instruction.next;
          break;
        case "jump":
          step = instruction.next;
          break;
        case "peek": {
          const { set } = instruction;
          const found = (instruction.isBehind ? before(text, at, set) : behind(text, at, set)) >= 0;
          isAlive = found !== instruction.isNegated;
          step++;
          break;
        }
        case "look":
          isAlive = this.#looksAround(instruction, at) !== instruction.isNegated;
          step++;
          break;
        case "commit":
          at = this.#run(instruction.program, at, isBackwards, new VisitedPlaces());
          isAlive = at >= 0;
          step++;
          break;
        case "match":
          return at;
      }
      if (isAlive) continue;
      if (!ways.goBack()) return NONE;
      ({ step, at } = ways);
    }
  }

  #looksAround({ program, isBehind }: InstructionThat<"look">, at: number): boolean {
    return this.#run(program, at, isBehind, new VisitedPlaces()) >= 0;
  }

  /** Behind the most characters of a set that can be taken; negative if all ways from here failed before. */
  #takeMany(
    { set, most, split }: InstructionThat<"take many">,
    start: number,
    failed: Visited | undefined,
  ): number {
    if (failed?.visit(split, start) === true) return NONE;
    let at = start;
    for (let count = 0; count < most; count++) {
      const to = behind(this.#text, at, set);
      if (to < 0) break;
      // Behind a place from which as many were taken before, all failed.
      if (most === Infinity && failed?.visit(split, to) === true) break;
      at = to;
    }
    this.#steps -= at - start;
    return at;
  }

  /** The end of the run of a set's characters; runs are long, and are come upon again at each of their places. */
  #endOfRun(set: CharacterSet, index: number, start: number): number {
    const runs = this.#runs;
    if (runs[2 * index]! >= 0 && runs[2 * index]! <= start && start < runs[2 * index + 1]!)
      return runs[2 * index + 1]!;
    let at = start;
    for (let to = behind(this.#text, at, set); to >= 0; to = behind(this.#text, at, set)) at = to;
    this.#steps -= at - start;
    runs[2 * index] = start;
    runs[2 * index + 1] = at;
    return at;
  }
}

const NONE = -1;
const TOO_LONG = -2;

type InstructionThat<D extends Instruction["does"]> = Extract<Instruction, { readonly does: D }>;

/** Ways to try later: an instruction, and where; of characters that may be given back, the least and the most. */
class Ways {
  readonly #text: string;
  readonly #later: number[] = [];
  step = 0;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  add(step: number, least: number, most: number): void {
    this.#later.push(step, least, most);
  }

  /** Goes to where the last of them begins; false if there is none. */
  goBack(): boolean {
    const [most, least, step] = [this.#later.pop(), this.#later.pop(), this.#later.pop()];
    if (most === undefined || least === undefined || step === undefined) return false;
    if (least === most) [this.step, this.at] = [step, most];
    else {
      // One character less of those that were taken.
      [this.step, this.at] = [step + 1, most - (isPair(this.#text, most - 2) ? 2 : 1)];
      if (this.at > least) this.add(step, least, this.at);
    }
    return true;
  }
}

/** What was met before. */
interface Visited {
  /** Notes that a split is met at a place; true if it was met there before. */
  readonly visit: (split: number, at: number) => boolean;
}

/** For what looks around or is atomic, which ends soon. */
class VisitedPlaces implements Visited {
  #places: Set<number> | undefined;

  visit(split: number, at: number): boolean {
    this.#places ??= new Set();
    const place = at * MOST_SPLITS + split;
    const isKnown = this.#places.has(place);
    this.#places.add(place);
    return isKnown;
  }
}

/** Programs have fewer. */
const MOST_SPLITS = 4096;

/** For a whole text: a bit for each split at each place, in blocks, of which those that lie behind are let go. */
class Failures implements Visited {
  /** Words of 32 bits at each place. */
  readonly #words: number;
  readonly #blocks = new Map<number, Int32Array>();
  #first = 0;

  constructor(splits: number) {
    this.#words = Math.ceil(splits / 32);
  }

  visit(split: number, at: number): boolean {
    const number = Math.floor(at / BLOCK);
    let block = this.#blocks.get(number);
    if (block === undefined) this.#blocks.set(number, (block = new Int32Array(BLOCK * this.#words)));
    const word = (at % BLOCK) * this.#words + (split >> 5);
    const bit = 1 << (split & 31);
    if ((block[word]! & bit) !== 0) return true;
    block[word]! |= bit;
    return false;
  }

  forgetAt(place: number): void {
    const from = (place % BLOCK) * this.#words;
    this.#blocks.get(Math.floor(place / BLOCK))?.fill(0, from, from + this.#words);
  }

  forgetBefore(place: number): void {
    for (; this.#first < Math.floor(place / BLOCK); this.#first++) this.#blocks.delete(this.#first);
  }
}

/** Whether the two units from a place are one character. */
const isPair = (text: string, at: number): boolean =>
  at >= 0 && (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;

const widthAt = (text: string, at: number): number => (isPair(text, at) ? 2 : 1);

/** Behind the character at a place, if a set has it; negative if not. */
function behind(text: string, at: number, set: CharacterSet): number {
  if (at >= text.length) return NONE;
  const isTwo = isPair(text, at);
  return set.has(isTwo ? text.codePointAt(at)! : text.charCodeAt(at)) ? at + (isTwo ? 2 : 1) : NONE;
}

/** Before the character that ends at a place, if a set has it; negative if not. */
function before(text: string, at: number, set: CharacterSet): number {
  if (at <= 0) return NONE;
  const start = at - (isPair(text, at - 2) ? 2 : 1);
  return set.has(text.codePointAt(start)!) ? start : NONE;
}
