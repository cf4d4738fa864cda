import { invariant } from "../../support/invariant.ts";
import {
  allOf,
  bodyOf,
  expressionsOf,
  partsOf,
  within,
  type Expression,
  type Load,
  type Loop,
  type LoopKernel,
  type Name,
  type Statement,
  type Tensor,
} from "./tree.ts";

type Store = Extract<Statement, { kind: "store" }>;

/**
 * What printers and encoders count on. Names are defined before they are read, and once in a scope. Turns of `rows` and
 * `lanes` are independent: each writes elements of its own, and adds to no total from outside, but that lanes may
 * do that. Turns of `folds` may take totals from outside and add to elements too, if none of them reads these. Lanes are straight: no branch, no other lanes in them, and what they write they read at its own place only.
 */
export function verifyKernel(kernel: LoopKernel): void {
  const { name, parameters, body } = kernel;
  const given = parameters.map((parameter) =>
    "tensor" in parameter ? parameter.tensor.name : parameter.name.name,
  );
  invariant(new Set(given).size === given.length, `two parameters of ${name} have one name`);
  const names = parameters.flatMap((parameter) => ("tensor" in parameter ? [] : [parameter.name]));
  verifyScope(body, new Set(names), name);
  const scratch = parameters.flatMap((each) => (each.kind === "scratch" ? [each.tensor] : []));
  verifyLoops(body, name, new Set(scratch));
}

function verifyScope(body: readonly Statement[], outside: ReadonlySet<Name>, kernel: string): void {
  const scope = new Set(outside);
  const words = new Set([...scope].map(({ name }) => name));
  const define = (name: Name): void => {
    invariant(!words.has(name.name), `${name.name} is defined twice in ${kernel}`);
    scope.add(name);
    words.add(name.name);
  };
  const read = (name: Name): void => invariant(scope.has(name), `${name.name} is not known in ${kernel}`);
  for (const statement of body) {
    for (const expression of expressionsOf(statement))
      for (const part of within(expression)) if (part.kind === "name") read(part);
    if (statement.kind === "take" || statement.kind === "restart") read(statement.total);
    if (statement.kind === "let" || statement.kind === "total") define(statement.name);
    const inner = statement.kind === "loop" ? new Set([...scope, statement.index]) : scope;
    verifyScope(bodyOf(statement), inner, kernel);
  }
}

/** What is in `scratch` is of the thread that runs a turn. */
function verifyLoops(body: readonly Statement[], kernel: string, scratch: ReadonlySet<Tensor>): void {
  for (const statement of body) {
    verifyLoops(bodyOf(statement), kernel, scratch);
    if (statement.kind !== "loop" || statement.order === "turns") continue;
    const inside = allOf(statement.body);
    verifyRestarts(statement, inside, kernel);
    const own = dependents(statement);
    const isOwn = ({ to }: Store): boolean =>
      to.terms.some(({ index }) => readsAny(index, own)) ||
      (statement.order === "rows" && scratch.has(to.tensor));
    const others = inside.filter((each) => each.kind === "store").filter((each) => !isOwn(each));
    if (statement.order === "folds") {
      verifyFolds(statement, inside, others, kernel);
      continue;
    }
    for (const { to } of others)
      invariant(
        false,
        `turns of ${statement.index.name} in ${kernel} write one element of ${to.tensor.name}`,
      );
    if (statement.order === "lanes") verifyLanes(statement, inside, kernel);
    else verifyRows(statement, inside, kernel);
  }
}

/** What turns begin again is a total of their own, and no lane's. */
function verifyRestarts({ index, order }: Loop, inside: readonly Statement[], kernel: string): void {
  const totals = new Set(inside.flatMap((each) => (each.kind === "total" ? [each.name] : [])));
  for (const each of inside)
    if (each.kind === "restart")
      invariant(
        order !== "lanes" && totals.has(each.total),
        `turns of ${index.name} in ${kernel} begin ${each.total.name} again`,
      );
}

/** `shared` are the stores to elements that are no turn's own. */
function verifyFolds(
  { index }: Loop,
  inside: readonly Statement[],
  shared: readonly Store[],
  kernel: string,
): void {
  const turns = `turns of ${index.name} in ${kernel}`;
  const added = new Set(shared.map(({ to }) => to.tensor));
  for (const { to, value } of shared)
    invariant(
      value.kind === "apply" && value.op === "add" && value.args[0] === to,
      `${turns} write one element of ${to.tensor.name}`,
    );
  const reads = inside.flatMap((each) =>
    loadsOf(each).filter((load) => each.kind !== "store" || load !== each.to),
  );
  for (const { tensor } of reads)
    invariant(!added.has(tensor), `${turns} read what they add to in ${tensor.name}`);
  verifyUnread(index, inside, kernel);
}

function verifyRows({ index }: Loop, inside: readonly Statement[], kernel: string): void {
  const totals = new Set(inside.flatMap((each) => (each.kind === "total" ? [each.name] : [])));
  for (const each of inside)
    if (each.kind === "take")
      invariant(totals.has(each.total), `rows of ${index.name} in ${kernel} add to ${each.total.name}`);
}

function verifyLanes({ index }: Loop, inside: readonly Statement[], kernel: string): void {
  const isStraight = inside.every(
    (each) =>
      each.kind !== "when" && !(each.kind === "loop" && (each.order === "rows" || each.order === "lanes")),
  );
  invariant(isStraight, `lanes of ${index.name} in ${kernel} are not straight`);
  verifyUnread(index, inside, kernel);
  const written = inside.flatMap((each) => (each.kind === "store" ? [each.to] : []));
  for (const read of inside.flatMap(loadsOf))
    for (const to of written)
      invariant(
        to.tensor !== read.tensor || isSamePlace(to, read),
        `lanes of ${index.name} in ${kernel} read what others write in ${to.tensor.name}`,
      );
}

/** Totals from outside that turns take in are no numbers before the loop has ended. */
function verifyUnread(index: Name, inside: readonly Statement[], kernel: string): void {
  const own = new Set(inside.flatMap((each) => (each.kind === "total" ? [each.name] : [])));
  const parts = new Set(inside.flatMap((each) => (each.kind === "take" ? [each.total] : [])));
  for (const part of inside.flatMap(expressionsOf).flatMap(within))
    if (part.kind === "name" && parts.has(part))
      invariant(
        own.has(part),
        `turns of ${index.name} in ${kernel} read ${part.name}, which is no number yet`,
      );
}

/** The elements that a statement itself reads. */
const loadsOf = (statement: Statement): readonly Load[] =>
  expressionsOf(statement)
    .flatMap((expression) =>
      statement.kind === "store" && expression === statement.to ? partsOf(expression) : [expression],
    )
    .flatMap(within)
    .filter((part) => part.kind === "load");

/** The index of a loop and what is made of it in its body. */
function dependents({ index, body }: Loop): ReadonlySet<Expression> {
  const own = new Set<Expression>([index]);
  for (const each of allOf(body))
    if (each.kind === "let" && readsAny(each.value, own)) own.add(each.name);
    else if (each.kind === "loop" && readsAny(each.from, own)) own.add(each.index);
  return own;
}

const readsAny = (expression: Expression, names: ReadonlySet<Expression>): boolean =>
  within(expression).some((part) => names.has(part));

const isSamePlace = (a: Load, b: Load): boolean =>
  a.terms.length === b.terms.length &&
  a.terms.every(({ index, stride }, at) => {
    const other = b.terms[at]!;
    return isSame(index, other.index) && isSame(stride, other.stride);
  });

/** The same name or number; whatever else is made is another. */
const isSame = (a: Expression, b: Expression): boolean =>
  a === b || (a.kind === "number" && b.kind === "number" && a.value === b.value);
