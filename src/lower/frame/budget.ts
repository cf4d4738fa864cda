import { showCount } from "../../support/text.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import type { Meaning } from "../values/meaning.ts";

interface Limit {
  readonly code: string;
  readonly most: number;
  /** What there is too much of, with the limit in it. */
  readonly says: (most: string) => string;
  readonly help?: string;
}

/**
 * What one model may take of the compiler. A text of 256 KB can ask for more than any machine has; each limit is eight or
 * more times what the largest published models need, and all of them together keep a compilation within seconds and
 * some hundred megabytes.
 */
export const limits = {
  /** Iterations of all repeats; the deepest models have some hundred layers. */
  iterations: {
    code: "E508",
    most: 100_000,
    says: (most) => `the repeats of a model have at most ${most} iterations together`,
  },
  /**
   * Calls of blocks: those that each call the next one twice are as many as no machine has memory for. A thousand layers
   * of Llama have 2,000.
   */
  calls: {
    code: "E513",
    most: 40_000,
    says: (most) => `the blocks of a model are called at most ${most} times together`,
  },
  /** Expressions and statements that are worked out, again in each iteration and each call: some microseconds each. */
  steps: {
    code: "E591",
    most: 2_000_000,
    says: (most) => `compiling the model takes more than ${most} steps`,
    help: "an iteration of a repeat, and a call of a block, costs as many steps as it has expressions",
  },
  /**
   * Results of nodes, and parameters: every pass walks them all, some 50 µs each. The 126 layers of Llama 3.1 405B have
   * 4,300, and a thousand layers, as deep as DeepNet, 33,000.
   */
  values: {
    code: "E592",
    most: 36_000,
    says: (most) => `the graph has more than ${most} values`,
    help: "each layer, each part of a `split` and each iteration of a `repeat` makes values of its own",
  },
  /**
   * Characters of texts with holes and of the full names of layers, of which each iteration and call has its own. A
   * thousand layers of Llama have 550,000.
   */
  characters: {
    code: "E593",
    most: 8_000_000,
    says: (most) => `the texts and names of the model have more than ${most} characters together`,
    help: "a text with other texts in its holes, or a long label around many layers, grows fast",
  },
  /** Characters of one text; a message is no longer. */
  text: {
    code: "E594",
    most: 32_768,
    says: (most) => `a text has at most ${most} characters`,
    help: "a text that holds another one twice is twice as long as it",
  },
  /** Elements of one list, tuple or layer with what they hold: what it takes to print or to compare it. */
  parts: {
    code: "E595",
    most: 32_768,
    says: (most) => `a list has at most ${most} elements, those of the lists in it among them`,
    help: "a list, or a layer's arguments, that hold another one twice have twice as many elements",
  },
} as const satisfies Readonly<Record<string, Limit>>;

export type Resource = keyof typeof limits;

/** Ends a lowering that would take too much. Never leaves `lower`. */
export class OverBudget extends Error {
  readonly diagnostic: Diagnostic;
  /** The calls around the place, innermost first. */
  readonly calls: readonly Span[];

  constructor(resource: Resource, span: Span, calls: readonly Span[]) {
    const { code, most, says, help }: Limit = limits[resource];
    const message = says(showCount(most));
    super(message);
    this.diagnostic = errorAt(code, span, message, help === undefined ? {} : { help });
    this.calls = calls;
  }
}

/** Where something is spent. */
export interface Spender {
  readonly calls: readonly Span[];
}

/** What one lowering has taken so far. */
export class Budget {
  readonly #spent: Record<Resource, number> = {
    iterations: 0,
    calls: 0,
    steps: 0,
    values: 0,
    characters: 0,
    text: 0,
    parts: 0,
  };
  /** Of lists, tuples and layers, which may hold one another many times. */
  readonly #sizes = new WeakMap<object, number>();

  /** Takes so much more of what is counted over the whole model. */
  spend(resource: Resource, amount: number, span: Span, { calls }: Spender): void {
    this.#spent[resource] += amount;
    if (this.#spent[resource] > limits[resource].most) throw new OverBudget(resource, span, calls);
  }

  /** Counts the characters of a text or a name that was made, which has a limit of its own. */
  write(length: number, span: Span, spender: Spender): void {
    if (length > limits.text.most) throw new OverBudget("text", span, spender.calls);
    this.spend("characters", length, span, spender);
  }

  /** A list, a tuple or a layer, whose elements are counted with all that they hold. */
  hold<M extends Meaning>(meaning: M, span: Span, { calls }: Spender): M {
    if (this.sizeOf(meaning) > limits.parts.most) throw new OverBudget("parts", span, calls);
    return meaning;
  }

  /** How many elements there are to print or to compare: 1 for what holds nothing. */
  sizeOf(meaning: Meaning): number {
    const holder = meaning.kind === "layer" ? meaning.layer : meaning;
    const held =
      meaning.kind === "list" || meaning.kind === "tuple"
        ? meaning.items
        : meaning.kind === "layer"
          ? [...meaning.layer.given.values()].map((argument) => argument.meaning)
          : [];
    if (held.length === 0) return 1;
    let size = this.#sizes.get(holder);
    if (size === undefined) {
      size = held.reduce((sum, item) => sum + this.sizeOf(item), 1);
      this.#sizes.set(holder, size);
    }
    return size;
  }
}
