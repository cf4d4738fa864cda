import type { Name, Path } from "../../language/ast/expressions.ts";
import { namesIn } from "../../language/mentions.ts";
import type { Span } from "../../support/source.ts";
import type { Context, Frame } from "../frame/context.ts";
import { layerRecords } from "../layers/table.ts";
import type { Meaning } from "../values/meaning.ts";
import type { Module } from "./module.ts";
import { findDefinition } from "./modules.ts";
import { labelSpan } from "./observe.ts";
import type { Binding } from "./scope.ts";

/** Tells an observer what a name stands for. */
export function tellReference(
  { text, span }: Name,
  to: { readonly definition: Span | undefined; readonly value?: Meaning | undefined },
  { context }: Pick<Frame, "context">,
): void {
  context.observe?.(span, { kind: "reference", name: text, definition: to.definition, value: to.value });
}

/** The same of a name in the scope. */
export const tellName = (name: Name, { span, meaning }: Binding, frame: Frame): void => {
  tellReference(name, { definition: span, value: meaning }, frame);
};

/** The same of a name of the language. */
export const tellOwnName = (name: Name, frame: Frame, value?: Meaning): void => {
  tellReference(name, { definition: undefined, value }, frame);
};

/**
 * Tells the names in what is not lowered: branches that are not taken, what no iteration runs. They mean what the part
 * itself binds, or what the scope, the labels, the files and the language have under these names; their values are not known.
 */
export function tellSkipped(part: object, { context, module, scope, labels }: Frame): void {
  if (context.observe === undefined) return;
  tellNames(part, module, context, ({ root, parts, span }) => {
    const bound = scope.placeOf(root.text);
    if (bound !== undefined) return { name: root, definition: bound };
    const fields = parts.flatMap((field) => (field.kind === "field" ? [field.name.text] : []));
    const text = [root.text, ...fields].join(".");
    const [instance] = labels.findInstances(text);
    return instance && { name: { text, span }, definition: labelSpan(instance) };
  });
}

/** The same of the definitions of a file that nothing calls. */
export function tellUncalled(module: Module, context: Context): void {
  if (context.observe === undefined) return;
  for (const definition of module.own.values())
    if (!context.lowered.has(definition)) tellNames(definition, module, context, () => undefined);
}

function tellNames(
  part: object,
  module: Module,
  context: Context,
  find: (path: Path) => { readonly name: Name; readonly definition: Span } | undefined,
): void {
  const { read, bound } = namesIn(part);
  for (const path of read) {
    const { root } = path;
    const own = bound.filter(({ text }) => text === root.text);
    const nearest = own.findLast(({ span }) => span.start <= root.span.start) ?? own[0];
    const here = nearest && { name: root, definition: nearest.span };
    // A dim of a type is bound there only if it is not yet.
    const found = isDim(root.text) ? (find(path) ?? here) : (here ?? find(path));
    const definition = findDefinition(module, context.library, root.text)?.definition.name.span;
    if (found !== undefined) tellReference(found.name, found, { context });
    else if (definition !== undefined || isOwnName(root.text))
      tellReference(root, { definition }, { context });
  }
}

const isDim = (name: string): boolean => /^[A-Z]/.test(name);

const isOwnName = (name: string): boolean => Object.hasOwn(layerRecords, name) || constants.has(name);

const constants: ReadonlySet<string> = new Set(["true", "false", "none", "stream", "training", "same"]);
