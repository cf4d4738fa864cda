import type { Definition } from "../../language/ast.ts";
import { withoutItem } from "../../language/mends.ts";
import { argumentNames } from "../../language/mentions.ts";
import { isNamed, type Lint, type Linted } from "./lint.ts";

/** A parameter of a definition of the file that neither its body nor the default of another parameter names. */
export const unreadParameter: Lint = {
  code: "W307",
  find: (model) =>
    [...model.module.own.values()].flatMap((definition) =>
      definition.parameters.flatMap(({ name }, index) =>
        model.reads(definition).has(name.text)
          ? []
          : [
              {
                spans: [name.span],
                message: `nothing reads the parameter \`${name.text}\` of \`${definition.name.text}\``,
                help: "leave it out: whoever gives it expects that it changes something",
                ...(!isGiven(index, definition, model) && {
                  fix: [withoutItem(definition.parameters, index)],
                }),
              },
            ],
      ),
    ),
};

/**
 * True if a call of the file may give the parameter, or a config does: leaving it out is more than its place. One without
 * a default is given by every call; one with a default only by name.
 */
function isGiven(index: number, definition: Definition, model: Linted): boolean {
  const { name, default: otherwise } = definition.parameters[index]!;
  const isOfConfig = definition.body.statements.some(
    (statement) =>
      statement.kind === "config" &&
      statement.lines.some((line) => line.kind === "key" && line.name.text === name.text),
  );
  if (isOfConfig) return true;
  if (otherwise === undefined) return isNamed(definition, model);
  return [...model.module.own.values()].some((other) => argumentNames(other).has(name.text));
}
