import { Refused, type Refusal } from "../table.ts";
import { formatPython } from "../python/format.ts";
import { modelText, type ModelInput } from "./model.ts";

export interface JaxFile {
  readonly path: string;
  readonly text: string;
}

/** The one file of a model for JAX, or why there is none. */
export function exportJax(input: ModelInput): readonly JaxFile[] | Refusal {
  try {
    return [{ path: "model.py", text: formatPython(modelText(input)) }];
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
}
