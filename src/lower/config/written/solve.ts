import type { Binary, Call, Conditional, Expression } from "../../../language/ast/expressions.ts";
import type { Frame } from "../../frame/context.ts";
import { bool, none, number, type LayerValue, type Meaning } from "../../values/meaning.ts";
import { evaluateWithKeys } from "../evaluate.ts";
import { ConfigFile } from "../file.ts";
import { keyOf, keysOf } from "../keys.ts";
import { configOf, sameValue, withKey, type Keys } from "./keys.ts";

/** Where an expression stands, and what solves a call that is a layer: each knows the other by this record only. */
export interface Site {
  readonly frame: Frame;
  readonly solveLayer: (call: Call, wanted: LayerValue, keys: Keys, site: Site) => Keys | undefined;
  /** Whether who reads the file has a key: others that say the same are written where there are such. */
  readonly has: (key: string) => boolean;
  /** The layer that a parameter is where the file says nothing of it: a reader takes from it what a block's own section is silent of. */
  readonly fallback?: LayerValue;
}

/**
 * The keys with those that an expression of a section names besides, so that it is what is wanted; undefined where it can be no such
 * thing, or where too much of it is open. A key that is `x * heads` is `x / heads`; of a choice the side with fewer new keys is taken.
 */
export function solve(expression: Expression, wanted: Meaning, keys: Keys, site: Site): Keys | undefined {
  if (wanted.kind === "layer")
    return expression.kind === "call"
      ? site.solveLayer(expression, wanted.layer, keys, site)
      : expression.kind === "conditional"
        ? solveChoice(expression, wanted, keys, site)
        : undefined;
  if (isKnown(expression, keys)) return means(expression, wanted, keys, site) ? keys : undefined;
  switch (expression.kind) {
    case "call": {
      const key = bareKey(expression);
      return key === undefined ? undefined : withKey(keys, key, wanted);
    }
    case "unary": {
      const operand = expression.operator === "not" ? notOf(wanted) : negativeOf(wanted);
      return operand === undefined ? undefined : solve(expression.operand, operand, keys, site);
    }
    case "binary":
      return solveBinary(expression, wanted, keys, site);
    case "conditional":
      return solveChoice(expression, wanted, keys, site);
    case "group": {
      const [chain, ...others] = expression.chains;
      const isOne = others.length === 0 && chain?.steps.length === 0 && chain.head.kind !== "layer";
      return isOne ? solve(chain.head, wanted, keys, site) : undefined;
    }
    case "list": {
      if (wanted.kind !== "list" || wanted.items.length !== expression.items.length) return undefined;
      return expression.items.reduce<Keys | undefined>(
        (found, item, index) => found && solve(item, wanted.items[index]!, found, site),
        keys,
      );
    }
    case "made_list":
    case "number":
    case "text":
      return undefined;
  }
}

/** The key that an expression is; undefined if it is more, or a word of the language. */
const bareKey = (call: Call): string | undefined =>
  call.arguments === undefined ? keyOf(call.path) : undefined;

/** Whether all that an expression names is said already. */
export const isKnown = (expression: Expression, keys: Keys): boolean =>
  keysOf(expression).every((key) => keys.has(key));

/** What an expression of known keys is; undefined if that is a mistake. */
export const valueWith = (expression: Expression, keys: Keys, site: Site): Meaning | undefined =>
  evaluateWithKeys(
    expression,
    keysOf(expression),
    new ConfigFile("config.json", configOf(keys).config),
    site.frame,
    (inner, inlined) => inner.context.walk.evaluate(inlined, inner),
  );

function means(expression: Expression, wanted: Meaning, keys: Keys, site: Site): boolean {
  const value = valueWith(expression, keys, site);
  return value !== undefined && sameValue(value, wanted);
}

const notOf = (wanted: Meaning): Meaning | undefined =>
  wanted.kind === "bool" ? bool(!wanted.value) : undefined;

const negativeOf = (wanted: Meaning): Meaning | undefined =>
  wanted.kind === "number" ? number(-wanted.value, wanted.float) : undefined;

/** The side that is taken first, as the condition may follow from it. */
function solveChoice(
  { condition, then, otherwise }: Conditional,
  wanted: Meaning,
  keys: Keys,
  site: Site,
): Keys | undefined {
  const sides = [
    { side: otherwise, truth: false },
    { side: then, truth: true },
  ].flatMap(({ side, truth }) => {
    const taken = solve(side, wanted, keys, site);
    const found = taken && solve(condition, bool(truth), taken, site);
    return found === undefined ? [] : [found];
  });
  return sides.reduce<Keys | undefined>(
    (best, found) => (best === undefined || found.size < best.size ? found : best),
    undefined,
  );
}

function solveBinary(binary: Binary, wanted: Meaning, keys: Keys, site: Site): Keys | undefined {
  const { operator, left, right } = binary;
  if (operator === "and" || operator === "or") {
    if (wanted.kind !== "bool") return undefined;
    const both = wanted.value === (operator === "and");
    const first = solve(left, wanted, keys, site);
    if (both) return first && solve(right, wanted, first, site);
    return first ?? solve(right, wanted, keys, site);
  }
  const isLeftOpen = !isKnown(left, keys);
  const [open, known] = isLeftOpen ? [left, right] : [right, left];
  if (!isKnown(known, keys)) return undefined;
  const other = valueWith(known, keys, site);
  if (other === undefined) return undefined;
  if (operator === "==" || operator === "!=")
    return solveEqual(operator, open, other, wanted, { keys, site });
  if (other.kind !== "number" || wanted.kind !== "number") return undefined;
  const inverse = inverseOf[operator]?.[isLeftOpen ? 0 : 1];
  const value = inverse?.(wanted.value, other.value);
  return value === undefined || !Number.isFinite(value)
    ? undefined
    : solve(open, number(value, wanted.float && !Number.isInteger(value)), keys, site);
}

function solveEqual(
  operator: "==" | "!=",
  open: Expression,
  other: Meaning,
  wanted: Meaning,
  { keys, site }: { readonly keys: Keys; readonly site: Site },
): Keys | undefined {
  if (wanted.kind !== "bool") return undefined;
  if (wanted.value === (operator === "==")) return solve(open, other, keys, site);
  // Anything but one value is a value only where there are two; a key that is not there is none.
  const instead = other.kind === "bool" ? notOf(other)! : other.kind === "none" ? undefined : none;
  return instead === undefined ? undefined : solve(open, instead, keys, site);
}

type Inverse = (wanted: number, known: number) => number;

/** What the left operand is, and what the right one is, by the result and the other. */
const inverseOf: Readonly<Record<string, readonly [Inverse, Inverse]>> = {
  "+": [(all, right) => all - right, (all, left) => all - left],
  "-": [(all, right) => all + right, (all, left) => left - all],
  "*": [(all, right) => all / right, (all, left) => all / left],
  "/": [(all, right) => all * right, (all, left) => left / all],
  "^": [(all, right) => all ** (1 / right), (all, left) => Math.log(all) / Math.log(left)],
};

/** Whether a section's expression can be solved for its keys, whatever is wanted of it. */
export function isSolvable(expression: Expression): boolean {
  if (keysOf(expression).length === 0) return true;
  switch (expression.kind) {
    case "call": {
      if (expression.arguments === undefined)
        return expression.path.parts.every(({ kind }) => kind === "field");
      return expression.arguments.every(({ value }) => isSolvable(value));
    }
    case "unary":
      return isSolvable(expression.operand);
    case "binary": {
      const { operator, left, right } = expression;
      if (["%", "<", ">", "<=", ">=", "in"].includes(operator)) return false;
      if (operator === "and" || operator === "or") return isSolvable(left) && isSolvable(right);
      return [left, right].some((side) => keysOf(side).length === 0) && isSolvable(left) && isSolvable(right);
    }
    case "conditional":
      return [expression.condition, expression.then, expression.otherwise].every(isSolvable);
    case "group":
      return expression.chains.every(
        ({ head, steps }) => steps.length === 0 && head.kind !== "layer" && isSolvable(head),
      );
    case "list":
      return expression.items.every(isSolvable);
    case "made_list":
      return false;
    case "number":
    case "text":
      return true;
  }
}
