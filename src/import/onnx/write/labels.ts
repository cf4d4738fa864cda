import type { StoredTensor } from "../../../checkpoint/stored.ts";
import type { Graph, Node, NodeOf, Value } from "../../../ir/graph.ts";
import { operandValues } from "../../../ir/node.ts";
import { isAnonymous } from "../turn.ts";

/** A node that owns parameters as a layer, each in its role: `.weight` of a linear. */
export interface Owner {
  readonly label: string;
  /** Names of its parameters in the text, by their values. */
  readonly names: ReadonlyMap<Value, string>;
}

/** What the layers of a text are called, and what its parameters are. */
export interface Labels {
  readonly owners: ReadonlyMap<Node, Owner>;
  /** Parameters that no layer owns: values of their own by these names. */
  readonly free: ReadonlyMap<Value, string>;
  /** The label of the layer that owns a table which a last product reads again. */
  readonly tied: ReadonlyMap<Node, string>;
  /** What each parameter is called in the text. */
  readonly names: ReadonlyMap<Value, string>;
  /** Every tensor by its name in the text. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** The parameters of a node that a layer owns, by their suffixes. */
function rolesOf(node: Node): Readonly<Record<string, Value | undefined>> {
  switch (node.op) {
    case "embedding":
      return { weight: node.operands.table };
    case "linear":
    case "conv2d":
    case "layer_norm":
    case "rms_norm":
      return { weight: node.operands.weight, bias: node.operands.bias };
    case "batch_norm": {
      const { weight, bias, mean, variance } = node.operands;
      return { weight, bias, running_mean: mean, running_var: variance };
    }
    default:
      return {};
  }
}

/** Gives layers the names that the file has for their parameters or modules. */
export function labelsOf(graph: Graph, tensors: ReadonlyMap<string, StoredTensor>): Labels {
  const named = new Map(graph.parameters.map(({ name, value }) => [value, name]));
  const users = new Map<Value, Node[]>();
  for (const node of graph.nodes)
    for (const value of new Set(operandValues(node)))
      if (named.has(value)) users.set(value, [...(users.get(value) ?? []), node]);
  const labels = new Unique();
  const owners = new Map<Node, Owner>();
  const tied = new Map<Node, string>();
  const owned = new Set<Value>();
  const found = new Map<string, StoredTensor>();
  const tensorFor = (value: Value): StoredTensor => tensors.get(named.get(value)!)!;
  const take = (node: Node): void => {
    const roles = Object.entries(rolesOf(node)).flatMap(([role, value]) =>
      value === undefined ? [] : [[role, value] as const],
    );
    if (roles.length === 0 || !roles.every(([, value]) => named.has(value) && !owned.has(value))) return;
    if (!ownsWhole(node) || !roles.every(([, value]) => isOnly(node, value, users.get(value)!))) return;
    const files = roles.map(([role, value]) => [role, named.get(value)!] as const);
    const label = labels.take(labelFor(node, files));
    const names = new Map(roles.map(([role, value]) => [value, `${label}.${role}`]));
    for (const [value, name] of names) {
      owned.add(value);
      found.set(name, tensorFor(value));
      for (const user of users.get(value)!) if (user !== node) tied.set(user, label);
    }
    owners.set(node, { label, names });
  };
  for (const node of graph.nodes) if (node.op === "embedding") take(node);
  for (const node of graph.nodes) if (node.op !== "embedding") take(node);
  const free = new Map<Value, string>();
  for (const [value, name] of named)
    if (!owned.has(value) && users.has(value)) {
      const label = labels.take(sanitized(name));
      free.set(value, label);
      found.set(label, tensorFor(value));
    }
  const names = new Map([...[...owners.values()].flatMap((owner) => [...owner.names]), ...free]);
  return { owners, free, tied, names, tensors: found };
}

/** Whether a layer says all that a node does: a norm with a shift has a gain. */
function ownsWhole(node: Node): boolean {
  switch (node.op) {
    case "layer_norm":
    case "rms_norm":
      return node.operands.weight !== undefined;
    case "batch_norm":
      return (
        node.attrs.axis === 1 && (node.operands.weight === undefined) === (node.operands.bias === undefined)
      );
    default:
      return true;
  }
}

/** Whether a parameter is read by its layer alone, or by last products that share the table of an embedding. */
const isOnly = (node: Node, value: Value, users: readonly Node[]): boolean =>
  users.every(
    (user) =>
      user === node ||
      (user.op === "linear" &&
        (node.op === "embedding" || node.op === "linear") &&
        isTied(user, value) &&
        (node.op === "embedding" || isTied(node, value))),
  );

const isTied = (node: NodeOf<"linear">, value: Value): boolean =>
  node.operands.weight === value && node.operands.bias === undefined && node.attrs.layout === "out_in";

const suffix = /[._/](weight|bias|gamma|beta|kernel|scale|embeddings|running_mean|running_var)(:0)?$/i;

function labelFor(node: Node, files: readonly (readonly [role: string, name: string])[]): string {
  const name = files.map(([, each]) => each).find((each) => !isAnonymous(each));
  const bare = name?.replace(suffix, "");
  const label = bare ?? node.origin.label;
  return sanitized(label === "" ? node.op : label);
}

/** A name as a label: parts of letters, digits and underscores. */
const sanitized = (name: string): string =>
  name
    .split(/[./]/)
    .map((part) => part.replace(/\W+/g, "_").replace(/^_+(?=\w)/, ""))
    .filter((part) => part !== "")
    .join(".") || "layer";

/** Names of which each is given once. */
export class Unique {
  readonly #taken = new Set<string>();

  constructor(taken: Iterable<string> = []) {
    for (const name of taken) this.#taken.add(name);
  }

  take(wish: string): string {
    let name = wish;
    for (let count = 2; this.#taken.has(name); count++) name = `${wish}_${count}`;
    this.#taken.add(name);
    return name;
  }
}
