import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import type { DimTooLarge } from "../../tensor/dim.ts";

/** `what`: "the product", "a size of `linear`". */
export const tooLarge = (span: Span, what: string, { message }: DimTooLarge): Diagnostic =>
  errorAt("E416", span, `${what} is too large: ${message}`, {
    help: "look for a factor that was meant otherwise",
  });
