import type { View } from "../../kernels/view.ts";
import type { Buffer, PlanShared } from "../../plan/plan.ts";
import { bytesOf } from "../../kernels/storage.ts";
import type { Dim } from "../../tensor/dim.ts";
import { isProduct, identifier, literal, Names, sizeText } from "../module/text.ts";
import { invariant } from "../../support/invariant.ts";

/** Words of every function that lists calls, which no value of the model may be called there. */
const ownWords = [
  "w",
  "list",
  "place",
  "call",
  "meet",
  "settle",
  "load",
  "put",
  "ranks",
  "own",
  "ownStep",
  "shared",
  "turn",
];

/** A value is better called otherwise than a slot, of which a list has as many as it needs. */
function wishFor(text: string): string {
  const word = identifier(text);
  return /^slot\d+$/.test(word) ? `${word}_out` : word;
}

/** What values are called in a function that lists calls: addresses in bytes, and run-time dims. */
export class ListNames {
  readonly #buffers: readonly Buffer[];
  readonly #state: PlanShared["state"];
  readonly #names: Names;
  readonly #symbols = new Map<string, string>();
  readonly #locals = new Map<number, string>();
  readonly #isLasting: (buffer: number) => boolean;
  readonly #read = new Set<string>();

  /** `taken` are words of the module that the function reads; a buffer that lasts is an entry of `w`. */
  constructor(
    { buffers, state }: Pick<PlanShared, "buffers" | "state">,
    symbols: readonly { readonly name: string }[],
    taken: Iterable<string>,
    isLasting: (buffer: number) => boolean,
  ) {
    this.#buffers = buffers;
    this.#state = state;
    this.#isLasting = isLasting;
    this.#names = new Names([...taken, ...ownWords]);
    for (const { name } of symbols) this.#symbols.set(name, this.#names.give(wishFor(name)));
  }

  /** `{ B, T: T_1 }`: the run-time dims that have been read, as the function takes them. */
  get dims(): string {
    const entries = [...this.#symbols].flatMap(([name, local]) =>
      this.#read.has(local) ? [name === local ? name : `${name}: ${local}`] : [],
    );
    return entries.length === 0 ? "_d" : `{ ${entries.join(", ")} }`;
  }

  size(size: Dim): string {
    return sizeText(size, (name) => this.read(this.#symbols.get(name) ?? name));
  }

  /** A word of the function, which is read here. */
  read(word: string): string {
    this.#read.add(word);
    return word;
  }

  /** A parameter as the function declares it: what nothing reads has a line before its name. */
  parameter(word: string): string {
    return this.#read.has(word) ? word : `_${word}`;
  }

  /** `const { place, call } = list;`: what of the list has been read. */
  get taken(): string[] {
    const words = ["ranks", "place", "call", "meet", "settle", "load", "put"].filter((word) =>
      this.#read.has(word),
    );
    return words.length === 0 ? [] : [`const { ${words.join(", ")} } = ${this.read("list")};`];
  }

  slot(slot: number): string {
    return `slot${slot}`;
  }

  /** The variable that a buffer of the run has. */
  local(buffer: number): string {
    const known = this.#locals.get(buffer);
    if (known !== undefined) return known;
    const name = this.#names.give(wishFor(this.#buffers[buffer]!.name));
    this.#locals.set(buffer, name);
    return name;
  }

  /** Where a buffer begins. */
  start(buffer: number): string {
    return this.#isLasting(buffer) ? memberText(this.read("w"), this.lasting(buffer)) : this.local(buffer);
  }

  /** What a buffer that lasts is called in the table of places; buffers of one state are one. */
  lasting(buffer: number): string {
    const { home, name } = this.#buffers[buffer]!;
    if (home.kind !== "state") return name;
    const state = this.#state.find((each) => each.name === home.state);
    invariant(state !== undefined, `there is no state ${home.state}`);
    return this.#buffers[state.buffer]!.name;
  }

  /** The address of a view's first element. */
  address({ buffer, offset }: View): string {
    const start = this.start(buffer);
    const bytes = bytesOf(this.#buffers[buffer]!.half ?? "f32", offset);
    const text = this.size(bytes);
    if (text === "0") return start;
    return isProduct(bytes) && !text.startsWith("-") ? `${start} + ${text}` : `${start} + (${text})`;
  }
}

const memberText = (object: string, name: string): string =>
  /^[A-Za-z_]\w*$/.test(name) && name !== "__proto__" ? `${object}.${name}` : `${object}[${literal(name)}]`;
