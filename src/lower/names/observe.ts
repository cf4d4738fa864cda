import type { Edge, EdgeNorm, Value } from "../../ir/graph.ts";
import type { Span } from "../../support/source.ts";
import type { Dim } from "../../tensor/dim.ts";
import type { TensorType } from "../../tensor/type.ts";
import type { Kind, Signature } from "../values/kinds.ts";
import type { Instance, LayerValue, Meaning } from "../values/meaning.ts";

/**
 * Sees what pieces of the text mean while a model is lowered: all that hover, go to definition, completion and inlay hints
 * need. A place in a block or in a repeat is told once for each call and iteration, in their order; one in a branch
 * that is not taken has its names told. Spans lie in the model's file, in those that it uses, or in the library.
 */
export type Observe = (span: Span, meaning: TextMeaning) => void;

/** What a piece of the text means. The span that comes with it is in brackets. */
export type TextMeaning =
  /**
   * [a name] It is read, called, or asked for as a label or as the name of an argument. `definition` is the name where it
   * is bound, undefined for what the language defines; `value` is unknown for what failed or was not lowered.
   */
  | {
      readonly kind: "reference";
      readonly name: string;
      readonly definition: Span | undefined;
      readonly value: Meaning | undefined;
    }
  /** [a name] It is bound: a parameter, an input, a dim, a `let`, a value. Of a default when it is first needed. */
  | { readonly kind: "definition"; readonly name: string; readonly value: Meaning | undefined }
  /** [a word] One of several that stand for themselves: `pre`, `bf16`, the words of a parameter. */
  | { readonly kind: "word"; readonly name: string; readonly words: readonly string[] }
  /** [an expression that is more than a name or a number] What it comes to. */
  | { readonly kind: "expression"; readonly value: Meaning }
  /** [a call] What is called, and what it may be given. Also told where the arguments are wrong. */
  | { readonly kind: "call"; readonly callee: string; readonly signature: Signature }
  /** [an argument] The parameter that it is for, and what it is there. */
  | {
      readonly kind: "argument";
      readonly callee: string;
      readonly parameter: string;
      readonly of: Kind;
      readonly value: Meaning;
    }
  /** [a layer, with its label] What was applied under which full label, and what came out; undefined if it failed. */
  | {
      readonly kind: "layer";
      readonly label: string;
      readonly layer: LayerValue;
      readonly out: Meaning | undefined;
    }
  /** [a statement] The stream after it. */
  | { readonly kind: "stream"; readonly type: TensorType }
  /** [the layer that owns it] A weight of the model, by its full name. */
  | { readonly kind: "parameter"; readonly name: string; readonly value: Value }
  /** [a dim in a type] The size that it is: found in what flows, or computed. */
  | { readonly kind: "size"; readonly size: Dim }
  /** [a norm's layer in a clause] Where it stands on which edge. */
  | { readonly kind: "norm"; readonly edge: string; readonly norm: EdgeNorm }
  /** [a `residual` statement] The edge as the graph's table has it. */
  | { readonly kind: "edge"; readonly edge: Edge }
  /** [a line of a `config` section] What a parameter is by the config.json, and the keys that say so. */
  | {
      readonly kind: "config";
      readonly parameter: string;
      readonly value: Meaning;
      readonly keys: readonly string[];
    };

/** Where the label of a layer stands, which comes first in it. */
export const labelSpan = ({ span }: Pick<Instance, "span">): Span => {
  const [label = ""] = /^(?:"[^"]*"|[\w.]*)/.exec(span.source.text.slice(span.start, span.end)) ?? [];
  return { ...span, end: span.start + label.length };
};
