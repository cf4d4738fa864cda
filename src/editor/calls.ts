import type { Token } from "../language/tokens.ts";
import { describeKind, type Kind } from "../lower/values/kinds.ts";
import { showMeaning } from "../lower/values/meaning.ts";
import { initializers } from "../lower/values/initializers.ts";
import { optimizers, schedules } from "../lower/train/choices.ts";
import { layerRecords } from "../lower/layers/table.ts";
import type { Analysis } from "./analyze.ts";
import { openAt, type OpenBracket } from "./braces.ts";
import { callablesOf, parameterUsage, type Callable } from "./catalogue.ts";

/** A call whose parentheses are open at some place. */
export interface OpenCall {
  readonly callee: Callable;
  /** The kinds of its parameters, as far as they are known. */
  readonly kinds: ReadonlyMap<string, Kind>;
  /** Names of arguments that are given before that place, and how many have none. */
  readonly given: readonly string[];
  readonly positional: number;
  /** The name of the argument that is being written, if it has one. */
  readonly named: string | undefined;
}

/** What can be called, with the kinds of its parameters as far as they are known. */
type Called = Pick<OpenCall, "callee" | "kinds">;

/** The call to which an open parenthesis belongs; undefined for parentheses that only group. */
export function callAt(
  analysis: Analysis,
  before: readonly Token[],
  { index }: OpenBracket,
): OpenCall | undefined {
  const name = before[index - 1];
  const called =
    name?.kind === "word" ? (layerNamed(analysis, name.text) ?? choiceNamed(name.text)) : undefined;
  if (called === undefined) return undefined;
  const names = argumentsOf(before.slice(index + 1)).map(nameOfArgument);
  const given = names.slice(0, -1);
  return {
    ...called,
    given: given.filter((each) => each !== undefined),
    positional: given.filter((each) => each === undefined).length,
    named: names.at(-1),
  };
}

/** A layer has kinds of its own, a block those that were told where it is called. */
function layerNamed(analysis: Analysis, name: string): Called | undefined {
  const callee = callablesOf(analysis).get(name);
  if (callee === undefined) return undefined;
  if (callee.from === "language")
    return { callee, kinds: kindsIn(Object.entries(layerRecords[name]!.parameters)) };
  const told = analysis.told.findLast(({ meaning }) => meaning.kind === "call" && meaning.callee === name);
  return { callee, kinds: kindsIn(told?.meaning.kind === "call" ? told.meaning.signature : []) };
}

/** Optimizers, schedules and initializers, which are called as layers are. */
function choiceNamed(name: string): Called | undefined {
  const records = { ...optimizers, ...schedules };
  const record = Object.hasOwn(records, name) ? records[name] : undefined;
  const options = record === undefined ? [...(initializers[name] ?? [])] : Object.entries(record.options);
  if (options.length === 0) return undefined;
  const parameters = options.map(([parameter, option]) => ({
    name: parameter,
    kind: describeKind(option.kind),
    default: "fallback" in option && option.fallback !== undefined ? showMeaning(option.fallback) : undefined,
  }));
  const doc = record?.doc ?? "";
  const callee: Callable = {
    kind: "layer",
    name,
    doc,
    inputs: [],
    parameters,
    owns: [],
    span: undefined,
    from: "language",
  };
  return { callee, kinds: kindsIn(options) };
}

const kindsIn = (
  parameters: Iterable<readonly [string, { readonly kind: Kind }]>,
): ReadonlyMap<string, Kind> => new Map([...parameters].map(([name, { kind }]) => [name, kind]));

/** Tokens between commas that stand in no further bracket; the last one is what is being written. */
function argumentsOf(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if ("([{".includes(token.text)) depth++;
    if (")]}".includes(token.text)) depth--;
    if (token.text === "," && depth === 0) parts.push([]);
    else if (token.kind !== "newline") parts.at(-1)!.push(token);
  }
  return parts;
}

const nameOfArgument = ([first, colon]: readonly Token[]): string | undefined =>
  first?.kind === "word" && colon?.text === ":" ? first.text : undefined;

/** What may still be given. */
export const signatureParameters = ({ callee, given, positional }: OpenCall): Callable["parameters"] =>
  callee.parameters.filter(({ name }, index) => index >= positional && !given.includes(name));

/** The kind of the argument that is being written. */
export const kindOfArgument = (call: OpenCall): Kind | undefined => {
  const name = call.named ?? call.callee.parameters[call.positional]?.name;
  return name === undefined ? undefined : call.kinds.get(name);
};

export interface SignatureHelp {
  /** `linear(n, bias = true)` */
  readonly label: string;
  readonly doc: string;
  readonly parameters: readonly { readonly label: string; readonly doc: string }[];
  /** Which of the parameters is being written. */
  readonly active: number | undefined;
}

/** How the innermost call around an offset is written. */
export function signatureHelp(analysis: Analysis, offset: number): SignatureHelp | undefined {
  const before = analysis.tokens.filter(({ kind, start }) => start < offset && kind !== "comment");
  const inner = openAt(before, offset).findLast(({ character }) => character === "(");
  const call = inner && callAt(analysis, before, inner);
  if (call === undefined) return undefined;
  const { callee } = call;
  const name = call.named ?? callee.parameters[call.positional]?.name;
  const active = callee.parameters.findIndex((each) => each.name === name);
  return {
    label: `${callee.name}(${callee.parameters.map(parameterUsage).join(", ")})`,
    doc: callee.doc,
    parameters: callee.parameters.map((each) => ({ label: parameterUsage(each), doc: each.kind })),
    active: active < 0 ? undefined : active,
  };
}
