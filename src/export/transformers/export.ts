import type { Graph, Value } from "../../ir/graph.ts";
import { Refused, type Refusal } from "../table.ts";
import { formatPython } from "../python/format.ts";
import { modelType } from "./config.ts";
import { modelingText } from "./model.ts";
import { settingsOf } from "./settings.ts";
import { stackOf } from "./stack.ts";

export interface TransformersInput {
  /** As it was lowered. */
  readonly graph: Graph;
  /** The share of the softmax that an attention drops while the model trains, by its result. */
  readonly dropout: ReadonlyMap<Value, number>;
  /** The path of the model's text. */
  readonly source: string;
  readonly version: string;
}

export interface TransformersFile {
  readonly path: string;
  readonly text: string;
}

/**
 * The files by which `AutoModel….from_pretrained(folder, trust_remote_code=True)` has a model, beside its weights; or why there are
 * none.
 */
export function exportTransformers(input: TransformersInput): readonly TransformersFile[] | Refusal {
  try {
    const stack = stackOf(input.graph, input.dropout);
    const settings = settingsOf(stack);
    const { text, classes } = modelingText({ ...input, stack, settings });
    const module = `modeling_${modelType(input.graph)}`;
    const settled = {
      // The head, or the stack where there is none.
      architectures: Object.values(classes).slice(-1),
      model_type: modelType(input.graph),
      auto_map: Object.fromEntries(
        Object.entries(classes).map(([auto, name]) => [auto, `${module}.${name}`]),
      ),
      ...settings,
      bos_token_id: null,
      eos_token_id: null,
      pad_token_id: null,
      dtype: "float32",
    };
    return [
      { path: `${module}.py`, text: formatPython(text) },
      { path: "config.json", text: `${JSON.stringify(settled, null, 2)}\n` },
    ];
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
}
