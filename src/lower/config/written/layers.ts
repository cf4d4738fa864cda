import type { Statement } from "../../../language/ast.ts";
import type { Argument, Call, Expression } from "../../../language/ast/expressions.ts";
import { bindParameters } from "../../calls/blocks.ts";
import { signatureOf } from "../../calls/signature.ts";
import type { Frame } from "../../frame/context.ts";
import { layerRecords } from "../../layers/table.ts";
import { Scope } from "../../names/scope.ts";
import { takenBody } from "../../statements/conditions.ts";
import { bareName } from "../../values/expressions.ts";
import type { Signature } from "../../values/kinds.ts";
import type { Callee, GivenArgument, LayerValue, Meaning } from "../../values/meaning.ts";
import { sameValue, type Keys } from "./keys.ts";
import { solveSection } from "./section.ts";
import { isKnown, solve, valueWith, type Site } from "./solve.ts";

type Arguments = ReadonlyMap<string, Meaning>;

/**
 * The keys for which a call in a section is a layer: `activation(hidden_act)` is `silu` if the key is "silu", and `rotary()`
 * is `rope(theta: 1e6)` by the keys of its own section. Undefined where the call can be no such layer.
 */
export function solveLayer(call: Call, wanted: LayerValue, keys: Keys, site: Site): Keys | undefined {
  const { frame } = site;
  const place: Frame = { ...frame, scope: emptyScope() };
  const layer = frame.context.walk.resolveLayer({ ...call, arguments: undefined }, place);
  if (layer === undefined || layer === "none") return undefined;
  const { callee } = layer;
  const target = argumentsFor(callee, wanted, frame);
  if (target === undefined) return undefined;
  const signature = signatureFor(callee, frame);
  const written = argumentsOf(call.arguments ?? [], signature);
  const whole = valuesOf(callee, target, frame);
  let found = keys;
  const given = new Map<string, Meaning>();
  for (const [name, expression] of written) {
    const value = isPassedOn(callee, name, target) ? whole.get(name) : undefined;
    const solved = value === undefined ? found : solve(expression, value, found, site);
    if (solved === undefined || (value === undefined && !isKnown(expression, solved))) return undefined;
    found = solved;
    const said = isKnown(expression, found) ? valueWith(expression, found, site) : value;
    if (said !== undefined) given.set(name, said);
  }
  const without = valuesOf(callee, given, frame);
  const open = [...target.keys()].filter((name) => !written.has(name));
  if (callee.kind !== "block")
    return open.every((name) => sameMeaning(whole.get(name), without.get(name), frame)) ? found : undefined;
  const { definition, module } = callee;
  const unsaid = unsaidOf(callee, site);
  const wants = (name: string) => {
    const value = written.has(name) || !target.has(name) ? undefined : whole.get(name);
    // What was said is said again, also where it is the default: readers of the file may have another one.
    const missing = wanted.given.has(name) ? undefined : (unsaid.get(name) ?? without.get(name));
    return value === undefined ? undefined : { value, missing };
  };
  return solveSection(
    { solveLayer: site.solveLayer, has: site.has, frame: { ...frame, definition, module } },
    wants,
    open,
    found,
  );
}

/** What a reader takes of a block of which the file is silent: what the parameter's own default gives the same block. */
const unsaidOf = (callee: Callee, { fallback }: Site): Arguments =>
  fallback !== undefined && sameCallee(callee, fallback.callee) ? givenOf(fallback) : new Map();

/** Whether what a block is given reaches the layer that it is: `base` of `rotary` does by way of `theta` alone. */
const isPassedOn = (callee: Callee, name: string, target: Arguments): boolean =>
  callee.kind !== "block" || target.has(name);

const emptyScope = (): Scope => new Scope(() => undefined);

const signatureFor = (callee: Callee, { context }: Frame): Signature =>
  signatureOf(callee, context.library, context.signatures);

/** The arguments of a call by the names of their parameters, as `../../calls/arguments.ts` has them; what is wrong is left out. */
function argumentsOf(given: readonly Argument[], signature: Signature): ReadonlyMap<string, Expression> {
  const bound = new Map<string, Expression>();
  const required = [...signature.values()].flatMap((each) => (each.required ? [each.name] : []));
  for (const { name, value } of given) {
    const next = required.find((each) => !bound.has(each));
    const word = bareName(value);
    const own = word !== undefined && signature.has(word) && word !== next ? word : undefined;
    const place = name?.text ?? own ?? next;
    if (place !== undefined) bound.set(place, value);
  }
  return bound;
}

/** What every parameter of a layer is, with some given. */
function valuesOf(callee: Callee, given: Arguments, frame: Frame): Arguments {
  const values = new Map<string, Meaning>();
  if (callee.kind === "op")
    for (const [name, { fallback }] of Object.entries(layerRecords[callee.name]!.parameters)) {
      const value = given.get(name) ?? fallback;
      if (value !== undefined) values.set(name, value);
    }
  if (callee.kind !== "block") return callee.kind === "same" ? given : values;
  const inner = frameOf(callee, given, frame);
  for (const { name } of callee.definition.parameters) {
    const value = inner.scope.find(name.text)?.meaning;
    if (value !== undefined) values.set(name.text, value);
  }
  return values;
}

/** The frame of a block with some arguments, for its own conditions and calls. */
function frameOf(
  { definition, module }: Extract<Callee, { kind: "block" }>,
  given: Arguments,
  frame: Frame,
): Frame {
  const inner: Frame = { ...frame, definition, module, scope: emptyScope() };
  const spans = [...given].map(
    ([name, meaning]) =>
      [name, { meaning, span: definition.name.span }] as const satisfies readonly [string, GivenArgument],
  );
  bindParameters(inner, new Map(spans));
  return inner;
}

const givenOf = ({ given }: LayerValue): Arguments =>
  new Map([...given].map(([name, { meaning }]) => [name, meaning]));

/**
 * The arguments with which a callee is a layer. A block whose body is one other layer is that layer; one that is a choice by a word is
 * what it chooses for one of its words.
 */
function argumentsFor(callee: Callee, wanted: LayerValue, frame: Frame): Arguments | undefined {
  if (callee.kind !== "block") return sameCallee(callee, wanted.callee) ? givenOf(wanted) : undefined;
  const passing = onlyCall(callee.definition.body.statements);
  if (passing !== undefined) {
    const inner = callOf(passing, frameOf(callee, new Map(), frame));
    const plain = unfolded(wanted, frame);
    if (inner !== undefined && sameCallee(inner.callee, plain.callee))
      return passedOn(passing, inner.callee, plain, frame);
  }
  if (sameCallee(callee, wanted.callee)) return givenOf(wanted);
  const [choice, ...others] = [...signatureFor(callee, frame).values()];
  if (choice?.kind.words === undefined || others.length > 0) return undefined;
  const { words } = choice.kind;
  const chosen = words.map(
    (value) => new Map<string, Meaning>([[choice.name, { kind: "word", value, words }]]),
  );
  const plain = unfolded(wanted, frame);
  return chosen.find((given) => {
    const made = bodyOf(callee, given, frame);
    return made !== undefined && sameLayer(made, plain, frame);
  });
}

/** The arguments of a block that hands them on to the one layer that it is, by name; undefined if it makes something of them. */
function passedOn(call: Call, callee: Callee, wanted: LayerValue, frame: Frame): Arguments | undefined {
  const written = argumentsOf(call.arguments ?? [], signatureFor(callee, frame));
  const whole = valuesOf(callee, givenOf(wanted), frame);
  const given = new Map<string, Meaning>();
  for (const [name, value] of whole) {
    const expression = written.get(name);
    const parameter = expression === undefined ? undefined : bareName(expression);
    if (parameter !== undefined) given.set(parameter, value);
    else if (wanted.given.has(name)) return undefined;
  }
  return given;
}

/** The call that is all of a body, whatever is checked and declared beside it. */
function onlyCall(statements: readonly Statement[]): Call | undefined {
  const [statement, ...others] = statements.filter(
    ({ kind }) => !["input", "config", "assert"].includes(kind),
  );
  if (statement?.kind !== "chain" || others.length > 0) return undefined;
  const { head, headTap, steps } = statement.chain;
  const call = head.kind === "layer" && head.label === undefined ? head.call : head;
  return call.kind === "call" && headTap === undefined && steps.length === 0 ? call : undefined;
}

function callOf(call: Call, frame: Frame): LayerValue | undefined {
  const layer = frame.context.walk.resolveLayer(call, frame, "head");
  return layer === "none" ? undefined : layer;
}

/** The one layer that a block is with some arguments; undefined if it is more. */
function bodyOf(
  callee: Extract<Callee, { kind: "block" }>,
  given: Arguments,
  frame: Frame,
): LayerValue | undefined {
  const inner = frameOf(callee, given, frame);
  const walk = (statements: readonly Statement[]): LayerValue | undefined => {
    const [choice, ...others] = statements.filter(
      ({ kind }) => !["input", "config", "assert"].includes(kind),
    );
    if (choice?.kind === "if" && others.length === 0) {
      const taken = takenBody(choice, inner);
      return taken === undefined || taken === "failed" ? undefined : walk(taken.statements);
    }
    const call = onlyCall(statements);
    return call === undefined ? undefined : callOf(call, inner);
  };
  return walk(callee.definition.body.statements);
}

/** The layer that a layer is in the end, where blocks are one other layer each. */
function unfolded(layer: LayerValue, frame: Frame): LayerValue {
  if (layer.callee.kind !== "block") return layer;
  const inner = bodyOf(layer.callee, givenOf(layer), frame);
  return inner === undefined ? layer : unfolded(inner, frame);
}

function sameCallee(a: Callee, b: Callee): boolean {
  if (a.kind === "block") return b.kind === "block" && a.definition === b.definition;
  return a.kind === "op" && b.kind === "op" && a.name === b.name;
}

function sameLayer(a: LayerValue, b: LayerValue, frame: Frame): boolean {
  if (!sameCallee(a.callee, b.callee)) return false;
  const [left, right] = [a, b].map((layer) => valuesOf(layer.callee, givenOf(layer), frame));
  return [...signatureFor(a.callee, frame).keys()].every((name) =>
    sameMeaning(left!.get(name), right!.get(name), frame),
  );
}

function sameMeaning(a: Meaning | undefined, b: Meaning | undefined, frame: Frame): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.kind === "layer" && b.kind === "layer" ? sameLayer(a.layer, b.layer, frame) : sameValue(a, b);
}
