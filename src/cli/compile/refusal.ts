import { refusalReasons, type Refusal } from "../../export/table.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";

/** The line of a model that an engine cannot be given, and why. */
export function refusalDiagnostic(engine: string, { reason, detail, node }: Refusal): Diagnostic {
  const span = node?.origin.spans.at(-1);
  return {
    severity: "error",
    code: "E845",
    message: `${engine} cannot be given ${detail}: ${refusalReasons[reason]}`,
    labels: span === undefined ? [] : [{ span, text: "here" }],
  };
}
