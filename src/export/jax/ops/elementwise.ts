import type { NodeOf } from "../../../ir/graph.ts";
import type { ScalarName } from "../../../ops/scalar.ts";
import { atom, sum, type Expression } from "../../torch/python.ts";
import type { JaxTable, Site } from "../site.ts";

type Unary = Pick<NodeOf<"tanh">, "operands">;
type Binary = Pick<NodeOf<"add">, "operands">;

/** `jnp.tanh(x)` */
const call =
  (name: string, more = "") =>
  ({ operands: { x } }: Unary, site: Site): Expression =>
    atom(`${name}(${site.read(x)}${more})`);

const operator =
  (symbol: string) =>
  ({ operands: { x, y } }: Binary, site: Site): Expression =>
    sum(`${site.atom(x)} ${symbol} ${site.atom(y)}`);

/** A number beside itself: that is what NaN is not. */
const comparison =
  (symbol: string, beside: (x: string) => Expression) =>
  (node: Binary, site: Site): Expression =>
    node.operands.x === node.operands.y ? beside(site.read(node.operands.x)) : operator(symbol)(node, site);

const isNumber = (x: string): Expression => sum(`~jnp.isnan(${x})`);
const isNone = (x: string): Expression => atom(`jnp.zeros_like(${x}, bool)`);

const of =
  (name: string) =>
  ({ operands: { x, y } }: Binary, site: Site): Expression =>
    atom(`${name}(${site.read(x)}, ${site.read(y)})`);

export const elementwise: Pick<JaxTable, ScalarName & keyof JaxTable> = {
  neg: ({ operands }, site) => sum(`-${site.atom(operands.x)}`),
  abs: call("jnp.abs"),
  exp: call("jnp.exp"),
  log: call("jnp.log"),
  sqrt: call("jnp.sqrt"),
  rsqrt: call("lax.rsqrt"),
  sin: call("jnp.sin"),
  cos: call("jnp.cos"),
  tanh: call("jnp.tanh"),
  sigmoid: call("jax.nn.sigmoid"),
  erf: call("lax.erf"),
  relu: call("jax.nn.relu"),
  relu2: ({ operands }, site) => atom(`jnp.square(jax.nn.relu(${site.read(operands.x)}))`),
  gelu: call("jax.nn.gelu", ", approximate=False"),
  gelu_tanh: call("jax.nn.gelu", ", approximate=True"),
  silu: call("jax.nn.silu"),
  softplus: call("jax.nn.softplus"),
  square: call("jnp.square"),
  floor: call("jnp.floor"),
  not: ({ operands }, site) => sum(`~${site.atom(operands.x)}`),
  add: operator("+"),
  sub: operator("-"),
  mul: operator("*"),
  div: operator("/"),
  mod: operator("%"),
  pow: operator("**"),
  min: of("jnp.minimum"),
  max: of("jnp.maximum"),
  eq: comparison("==", isNumber),
  ne: comparison("!=", (x) => atom(`jnp.isnan(${x})`)),
  lt: comparison("<", isNone),
  le: comparison("<=", isNumber),
  gt: comparison(">", isNone),
  ge: comparison(">=", isNumber),
  and: operator("&"),
  or: operator("|"),
  where: ({ operands: { condition, x, y } }, site) =>
    atom(`jnp.where(${[condition, x, y].map(site.read).join(", ")})`),
};
