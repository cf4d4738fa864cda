import { isError, type Diagnostic, type Label } from "../../support/diagnostic.ts";
import type { Source, Span } from "../../support/source.ts";

/** Gathers diagnostics; of one code at one place the first counts, as a repeat meets the same mistake each time. */
export class Diagnostics {
  /** What else is to be said of an error, by the places that led to it. */
  noteOf: ((places: readonly Span[]) => string | undefined) | undefined;
  readonly #found = new Map<string, Diagnostic>();
  readonly #isLibrary: (source: Source) => boolean;

  constructor(isLibrary: (source: Source) => boolean) {
    this.#isLibrary = isLibrary;
  }

  get all(): readonly Diagnostic[] {
    return [...this.#found.values()];
  }

  get errors(): number {
    return this.all.filter(isError).length;
  }

  get failed(): boolean {
    return this.errors > 0;
  }

  /** `calls` led to the place, innermost first. What is wrong inside the library is blamed on the call of it. */
  add(diagnostic: Diagnostic, calls: readonly Span[] = []): void {
    const placed = { ...diagnostic, labels: this.#place(diagnostic.labels, calls) };
    const [first] = placed.labels;
    const key =
      first === undefined ? placed.message : `${placed.code} ${first.span.source.name} ${first.span.start}`;
    if (!this.#found.has(key)) this.#found.set(key, isError(placed) ? this.#withNote(placed, calls) : placed);
  }

  #withNote(diagnostic: Diagnostic, calls: readonly Span[]): Diagnostic {
    const note = this.noteOf?.([...diagnostic.labels.map(({ span }) => span), ...calls]);
    if (note === undefined) return diagnostic;
    return { ...diagnostic, help: diagnostic.help === undefined ? note : `${diagnostic.help}; ${note}` };
  }

  #place(labels: readonly Label[], calls: readonly Span[]): readonly Label[] {
    const [first] = labels;
    const call = calls.find((span) => !this.#isLibrary(span.source));
    if (first === undefined || call === undefined) return labels;
    if (this.#isLibrary(first.span.source)) return [{ span: call, text: "in this call" }, ...labels];
    return [...labels, { span: call, text: "called here" }];
  }
}
