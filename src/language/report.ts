import { isError, type Diagnostic } from "../support/diagnostic.ts";
import { tooManyErrors } from "./errors/layout.ts";

/** After so many errors a file is noise, and reporting more of them costs more than it tells. */
const MAX_ERRORS = 100;

/** Collects what there is to say of a file, up to a limit. */
export class Report {
  readonly diagnostics: Diagnostic[] = [];
  #errors = 0;

  add(diagnostic: Diagnostic): void {
    if (this.full) return;
    this.diagnostics.push(diagnostic);
    if (!isError(diagnostic)) return;
    const place = diagnostic.labels[0]?.span;
    if (++this.#errors === MAX_ERRORS && place !== undefined)
      this.diagnostics.push(tooManyErrors(place, MAX_ERRORS));
  }

  /** True when the limit is reached; whoever still looks for errors may stop. */
  get full(): boolean {
    return this.#errors >= MAX_ERRORS;
  }
}
