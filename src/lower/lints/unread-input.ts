import type { Definition, InputStatement } from "../../language/ast.ts";
import { withoutStatement } from "../../language/mends.ts";
import { namesIn, namesRead } from "../../language/mentions.ts";
import { operandValues } from "../../ir/node.ts";
import { isNamed, type Finding, type Lint, type Linted } from "./lint.ts";

/**
 * An input that its definition does not name, nor a dim that it binds. The first one begins the stream: of a model it is
 * told where nothing in the graph reads it; of a block, and where an `if` may read it with other parameters, nothing is said.
 */
export const unreadInput: Lint = {
  code: "W309",
  find: (model) =>
    [...model.module.own.values()].flatMap((definition) => {
      const inputs = inputsOf(definition);
      return inputs
        .filter((input, index) =>
          index === 0 ? isUnreadStart(input, model, definition) : !isRead(input, inputs, model, definition),
        )
        .map((input): Finding => ({
          spans: [input.name.span],
          message: `nothing reads the input \`${input.name.text}\` of \`${definition.name.text}\``,
          help: "leave it out: whoever runs the model has to give it",
          ...(isAlone(input, inputs, definition) &&
            !isNamed(definition, model) && { fix: [withoutStatement(input.span)] }),
        }));
    }),
};

const inputsOf = ({ body }: Definition): readonly InputStatement[] =>
  body.statements.filter((statement) => statement.kind === "input");

function isRead(
  input: InputStatement,
  inputs: readonly InputStatement[],
  { reads }: Linted,
  definition: Definition,
): boolean {
  if (reads(definition).has(input.name.text)) return true;
  const before = new Set(
    inputs.slice(0, inputs.indexOf(input)).flatMap((other) => [...namesRead(other.type).keys()]),
  );
  const elsewhere = namesRead(definition, input);
  return [...namesRead(input.type).keys()].some(
    (dim) => /^[A-Z]/.test(dim) && !before.has(dim) && elsewhere.has(dim),
  );
}

/** True if nothing else changes without it: the others bind the dims that the definition reads, and with the same bounds. */
function isAlone(input: InputStatement, inputs: readonly InputStatement[], definition: Definition): boolean {
  const others = inputs.filter((other) => other !== input);
  const bound = new Set(others.flatMap(({ type }) => namesIn(type).bound.map(({ text }) => text)));
  const elsewhere = namesRead(definition, input);
  return (
    others.length > 0 &&
    (input.type.dims ?? []).every((dim) => dim.kind === "rest" || dim.bound === undefined) &&
    namesIn(input.type).bound.every(({ text }) => bound.has(text) || !elsewhere.has(text))
  );
}

function isUnreadStart({ name }: InputStatement, model: Linted, definition: Definition): boolean {
  if (definition !== model.definition || model.reads(definition).has(name.text)) return false;
  if (definition.body.statements.some(({ kind }) => kind === "if")) return false;
  const graphs = [model.graph, ...(model.train === undefined ? [] : [model.train.graph])];
  return graphs.every((graph) => {
    const value = graph.inputs.find((input) => input.name === name.text)?.value;
    return (
      value !== undefined &&
      !graph.nodes.some((node) => operandValues(node).includes(value)) &&
      !graph.outputs.some((output) => output.value === value)
    );
  });
}
