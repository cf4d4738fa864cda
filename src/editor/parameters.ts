import { blockSignature } from "../lower/calls/signature.ts";
import { library, loadModule } from "../lower/names/modules.ts";
import { placements, type Kind } from "../lower/values/kinds.ts";
import type { Edit } from "../support/diagnostic.ts";
import { spanText } from "../support/source.ts";
import type { Analysis } from "./analyze.ts";
import type { Definition } from "../language/ast.ts";

/** A parameter of a model, as one would choose a value for it. */
export interface ModelParameter {
  readonly name: string;
  readonly kind: Kind["name"];
  /** What may be chosen, where that is a closed list. */
  readonly words: readonly string[] | undefined;
  /** As the text has it; undefined where it must be given. */
  readonly fallback: string | undefined;
  /** What it is in the end, as `.lmg` writes it; undefined while the text has mistakes. */
  readonly value: string | undefined;
}

/** The names of the models in a text, in its order. */
export const modelNames = ({ file }: Pick<Analysis, "file">): readonly string[] =>
  file.definitions.filter(({ kind }) => kind === "model").map(({ name }) => name.text);

const chosenModel = ({ file, options }: Pick<Analysis, "file" | "options">): Definition | undefined =>
  file.definitions.find(
    ({ kind, name }) => kind === "model" && (options.model === undefined || name.text === options.model),
  );

/** What makes the analysis' settings the defaults of its text. */
export const settingEdits = ({ file, options }: Pick<Analysis, "file" | "options">): readonly Edit[] =>
  (chosenModel({ file, options })?.parameters ?? []).flatMap(({ name, span, default: fallback }) => {
    const value = options.settings?.[name.text];
    if (value === undefined) return [];
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (fallback !== undefined) return [{ span: fallback.span, text }];
    return [{ span: { ...span, start: span.end }, text: ` = ${text}` }];
  });

/** The parameters of the model that an analysis chose, in the order of its signature; none where there is no model. */
export function parametersOf({
  file,
  model,
  options,
}: Pick<Analysis, "file" | "model" | "options">): readonly ModelParameter[] {
  const definition = chosenModel({ file, options });
  if (definition === undefined) return [];
  const module = loadModule(file, options.resolveUse ?? (() => undefined), () => undefined);
  const signature = blockSignature(definition, module, library);
  const values = new Map(model?.parameters.map(({ name, value }) => [name, value]));
  return definition.parameters.map(({ name: { text: name }, default: fallback }) => {
    const { kind } = signature.get(name)!;
    return {
      name,
      kind: kind.name,
      words: wordsOf(kind),
      fallback: fallback && spanText(fallback.span),
      value: values.get(name),
    };
  });
}

function wordsOf({ name, words }: Kind): readonly string[] | undefined {
  if (name === "placement") return placements;
  if (name === "bool") return ["false", "true"];
  return words;
}
