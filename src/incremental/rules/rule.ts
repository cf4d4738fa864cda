import type { Node, NodeOf, Value } from "../../ir/graph.ts";
import { mapOperands, namedOperands } from "../../ir/node.ts";
import type { CoreOp, OpName, OperandsOf } from "../../ops/table.ts";
import type { Builder } from "../builder.ts";
import type { CoreNode } from "../facts/along.ts";
import type { Forms, Need } from "../forms.ts";
import type { Form } from "../letters.ts";

/** How values are made in a form: what they need, and the results of the node from these, in the same order. */
export interface Recipe {
  readonly needs: readonly Need[];
  readonly make: (made: readonly Value[], build: Builder) => readonly Value[];
}

/** What a node needs to give its results in a form, and how; throws a Refusal if it cannot. */
export type Rule<K extends CoreOp> = (node: NodeOf<K>, form: Form, forms: Forms) => Recipe;

/** A node of one of several ops. */
export type NodeOfAny<K extends CoreOp> = Extract<CoreNode, { readonly op: K }>;

/** What is needed of each operand of a node, by name. */
type Needs = Readonly<Record<string, Need | undefined | readonly Need[]>>;

/** A recipe from needs by name, and what is made of the operands of an op by name. */
export function recipe<K extends OpName>(
  needs: OperandsOf<K, Need>,
  make: (operands: OperandsOf<K, Value>, build: Builder) => readonly Value[],
): Recipe {
  return named(needs, (operands, build) => make(operands as OperandsOf<K, Value>, build));
}

function named(needs: Needs, make: (operands: unknown, build: Builder) => readonly Value[]): Recipe {
  const order: Need[] = [];
  mapOperands(needs, (need) => order.push(need));
  return {
    needs: order,
    make: (made, build) => {
      const rest = made.values();
      return make(
        mapOperands(needs, () => rest.next().value!),
        build,
      );
    },
  };
}

/** The same op on its operands in other forms, with attributes of the derived graph where it has sizes. */
export const again = (node: CoreNode, needs: Needs, attrs: object = {}): Recipe =>
  named(needs, (operands, build) =>
    build.emitAll(node.op, operands as never, { ...node.attrs, ...attrs }, hintsOf(node)),
  );

/** What the results are called, if all have a name. */
function hintsOf({ results }: Pick<Node, "results">): string[] {
  const hints = results.flatMap(({ hint }) => hint ?? []);
  return hints.length === results.length ? hints : [];
}

/** What is needed of each operand if its rows run along with the result's. */
export function needsAlong(node: CoreNode, form: Form, forms: Forms): Needs {
  return Object.fromEntries(
    Object.entries(namedOperands(node)).map(([name, operand]) => [
      name,
      operand === undefined
        ? undefined
        : Array.isArray(operand)
          ? (operand as readonly Value[]).map((value) => forms.along(node, name, value, form))
          : forms.along(node, name, operand as Value, form),
    ]),
  );
}

/** Row i of the result is made of row i of the operands: nearly every op passes a form on. */
export const pointwise = (node: CoreNode, form: Form, forms: Forms): Recipe =>
  again(node, needsAlong(node, form, forms));
