import type { ConfigKeyLine, ConfigStatement, Definition, LikeLine } from "../../language/ast.ts";
import type { Expression } from "../../language/ast/expressions.ts";
import type { Span } from "../../support/source.ts";
import type { Frame } from "../frame/context.ts";
import { Diagnostics } from "../frame/report.ts";
import * as errors from "../errors/config.ts";
import { convert, type Signature, type SignatureParameter } from "../values/kinds.ts";
import { none, showMeaning, type GivenArgument, type LayerValue, type Meaning } from "../values/meaning.ts";
import { meaningOf } from "./settings.ts";
import { signatureOf } from "../calls/signature.ts";
import { findDefinition, visibleDefinitions } from "../names/modules.ts";
import { tellReference } from "../names/references.ts";
import type { ConfigFile } from "./file.ts";
import { entriesOf, evaluateWithKeys } from "./evaluate.ts";
import { keyOf, keysOf } from "./keys.ts";
import type { ConfigArgument } from "./origin.ts";
import { checkAssert, checkNeutral, sameMeaning } from "./checks.ts";

/** The `config { }` section of a definition; undefined without one. A second one is reported. */
export function sectionOf(definition: Definition, frame: Frame): ConfigStatement | undefined {
  const [first, second] = definition.body.statements.filter(
    (statement): statement is ConfigStatement => statement.kind === "config",
  );
  if (first !== undefined && second !== undefined)
    frame.context.diagnostics.add(errors.secondSection(second, first), frame.calls);
  return first;
}

/** What a section is read with: the frame is of the definition in which it stands. */
interface Reading {
  readonly file: ConfigFile;
  readonly frame: Frame;
  /** Definitions whose sections led here, to find circles. */
  readonly stack: readonly Definition[];
}

/** The parameters that the lines of a section give; those in `given` are not asked for. Its checks are made. */
export function readSection(
  section: ConfigStatement,
  reading: Reading,
  given: ReadonlySet<string> = new Set(),
): Map<string, ConfigArgument> {
  const { definition, module, context } = reading.frame;
  const signature = signatureOf({ kind: "block", definition, module }, context.library, context.signatures);
  const read = new Map<string, ConfigArgument>();
  readLines(section, { ...reading, signature, read }, given);
  return read;
}

/** Whose parameters are read, and those that were. */
interface Lines extends Reading {
  readonly signature: Signature;
  readonly read: Map<string, ConfigArgument>;
  /** The line that takes the section of another definition, whose other parameters are no matter. */
  readonly like?: Span;
}

function readLines(section: ConfigStatement, lines: Lines, given: ReadonlySet<string>): void {
  const { file, frame, signature, like } = lines;
  const own = new Set(given);
  for (const line of section.lines) {
    if (line.kind === "like" || line.kind === "architecture") continue;
    if (line.kind === "assert") checkAssert(line, file, frame, like !== undefined);
    else if (line.kind === "neutral") for (const key of line.keys) checkNeutral(key, file, frame);
    else {
      const { name } = line;
      own.add(name.text);
      const parameter = signature.get(name.text);
      if (parameter === undefined) {
        if (like === undefined)
          frame.context.diagnostics.add(errors.configOfNoParameter(name, [...signature.keys()]), frame.calls);
      } else if (!given.has(name.text)) readInto(line, parameter, lines);
    }
  }
  // What a line of its own speaks of, no other section does, wherever the two stand.
  for (const line of section.lines) if (line.kind === "like") readLike(line, lines, own);
}

function readInto(line: ConfigKeyLine, parameter: SignatureParameter, lines: Lines): void {
  const { file, frame, read } = lines;
  const { result: meaning, keys } = file.try(() => readLine(line, parameter, lines));
  file.markRead(keys);
  if (meaning === undefined) return;
  const entries = entriesOf([...keys], file);
  const span = lines.like ?? line.span;
  read.set(line.name.text, { meaning, span, entries });
  frame.context.observe?.(span, {
    kind: "config",
    parameter: line.name.text,
    value: meaning,
    keys: entries.map(({ key }) => key),
  });
}

/** `like llama`: the section of that definition, for the parameters that are not spoken of. */
function readLike(line: LikeLine, lines: Lines, given: ReadonlySet<string>): void {
  const { frame, stack } = lines;
  const { diagnostics, library } = frame.context;
  const { name } = line;
  const found = findDefinition(frame.module, library, name.text);
  if (found === undefined) {
    diagnostics.add(errors.likeNothing(name, visibleDefinitions(frame.module, library)), frame.calls);
    return;
  }
  const { definition, module } = found;
  tellReference(name, { definition: definition.name.span }, frame);
  if (stack.includes(definition)) {
    diagnostics.add(errors.readsItself(name.span, definition), frame.calls);
    return;
  }
  const section = sectionOf(definition, frame);
  if (section === undefined) {
    diagnostics.add(errors.likeNoSection(name, definition), frame.calls);
    return;
  }
  const there = { ...frame, module, calls: [line.span, ...frame.calls] };
  readLines(
    section,
    { ...lines, frame: there, stack: [...stack, definition], like: lines.like ?? line.span },
    given,
  );
}

/**
 * The first alternative whose keys have values; without any, the parameter's default stays. Where the file itself has another
 * one too, it must say the same. A null is `none`; where the parameter can't be none, an alternative that reads other keys
 * may hold in its place, and never a constant, but where the key is null by not being there.
 */
function readLine(line: ConfigKeyLine, parameter: SignatureParameter, reading: Reading): Meaning | undefined {
  const { file, frame } = reading;
  const nulls = new Map<string, Expression>();
  let taken: Meaning | "failed" | undefined;
  for (const value of line.values) {
    const keys = keysOf(value);
    const missing = keys.filter((key) => file.lookUp(key) === undefined);
    if (missing.length > 0) continue;
    const isStated = keys.every((each) => file.has(each));
    const key = bareKey(value);
    const isOptional = key !== undefined && convert(none, parameter.kind) !== undefined;
    const ofNull = isOptional ? [] : keys.filter((each) => file.lookUp(each) === null);
    if (ofNull.some((each) => !file.has(each))) continue;
    if (key !== undefined && ofNull.length > 0) {
      nulls.set(key, value);
      continue;
    }
    if (taken !== undefined) {
      if (isStated) compareSpelling(line, value, parameter, taken, reading);
      continue;
    }
    if (nulls.size > 0 && keys.length === 0) continue;
    taken = valueOf(value, parameter, line, reading) ?? "failed";
    file.markRead([...keys, ...nulls.keys()]);
  }
  const [unanswered] = nulls;
  if (taken === undefined && unanswered !== undefined) {
    const [key, { span }] = unanswered;
    file.markRead(nulls.keys());
    frame.context.diagnostics.add(
      errors.keyOfWrongKind(span, file, { key, value: null }, parameter),
      frame.calls,
    );
  }
  return taken === "failed" ? undefined : taken;
}

/** A later alternative that the file has too: its keys count as read if it says the same. */
function compareSpelling(
  line: ConfigKeyLine,
  value: Expression,
  parameter: SignatureParameter,
  taken: Meaning | "failed",
  reading: Reading,
): void {
  const { file, frame } = reading;
  // What is worked out of other keys need not be a value here: half a channel, where the width of heads is said.
  const quiet = bareKey(value) === undefined ? { ...reading, frame: quietly(frame) } : reading;
  const other = file.try(() => valueOf(value, parameter, line, quiet));
  const keys = [...keysOf(value), ...other.keys];
  if (taken === "failed" || other.result === undefined || sameMeaning(taken, other.result))
    file.markRead(keys);
  else file.markDisagreeing(keys, { parameter: parameter.name, taken: showMeaning(taken), place: line.span });
}

const bareKey = (value: Expression): string | undefined =>
  value.kind === "call" && value.arguments === undefined ? keyOf(value.path) : undefined;

/** An alternative as a value of the parameter; undefined if it is none, which has been reported. */
function valueOf(
  value: Expression,
  parameter: SignatureParameter,
  line: ConfigKeyLine,
  reading: Reading,
): Meaning | undefined {
  const { file, frame } = reading;
  const key = bareKey(value);
  if (key !== undefined) return valueOfKey(key, value, parameter, reading);
  const meaning = evaluateWithKeys(value, keysOf(value), file, frame, (inner, expression) =>
    inner.context.walk.evaluateAs(expression, parameter.kind, inner, `\`${line.name.text}\``),
  );
  return meaning?.kind === "layer" ? withItsSection(meaning.layer, value.span, parameter, reading) : meaning;
}

function valueOfKey(
  key: string,
  { span }: Expression,
  parameter: SignatureParameter,
  { file, frame }: Reading,
): Meaning | undefined {
  const value = file.lookUp(key)!;
  const meaning = meaningOf(value);
  const converted = meaning === undefined ? undefined : convert(meaning, parameter.kind);
  if (converted === undefined)
    frame.context.diagnostics.add(errors.keyOfWrongKind(span, file, { key, value }, parameter), frame.calls);
  return converted;
}

/**
 * A block that has a `config { }` section too takes the parameters that it was not given from the same file, and what that is silent
 * of from the default of the model's parameter, where that is the same block. Blocks that it was given read theirs before.
 */
function withItsSection(
  layer: LayerValue,
  span: Span,
  parameter: SignatureParameter,
  reading: Reading,
): Meaning | undefined {
  const { file, frame, stack } = reading;
  const { callee } = layer;
  if (callee.kind !== "block") return { kind: "layer", layer };
  const { definition, module } = callee;
  const there = { ...frame, definition, module };
  const signature = signatureOf(callee, frame.context.library, frame.context.signatures);
  const written = argumentsWithSections(layer, signature, { ...reading, frame: there });
  if (written === undefined) return undefined;
  const section = sectionOf(definition, frame);
  if (section === undefined) return { kind: "layer", layer: { ...layer, given: written } };
  if (stack.includes(definition)) {
    frame.context.diagnostics.add(errors.readsItself(span, definition), frame.calls);
    return undefined;
  }
  const inner = { file, frame: { ...there, calls: [span, ...frame.calls] }, stack: [...stack, definition] };
  const read = readSection(section, inner, new Set(written.keys()));
  const fallback = defaultLayer(parameter, reading);
  const unsaid =
    fallback?.callee.kind === "block" && fallback.callee.definition === definition
      ? fallback.given
      : undefined;
  const given = [...signature.keys()].flatMap((name): [string, GivenArgument][] => {
    const argument = written.get(name) ?? read.get(name) ?? unsaid?.get(name);
    return argument === undefined ? [] : [[name, argument]];
  });
  return { kind: "layer", layer: { ...layer, given: new Map(given) } };
}

/** What a block is given by a line, of which layers read their sections. */
function argumentsWithSections(
  { given }: LayerValue,
  signature: Signature,
  reading: Reading,
): ReadonlyMap<string, GivenArgument> | undefined {
  const read = new Map<string, GivenArgument>();
  for (const [name, argument] of given) {
    const { meaning, span } = argument;
    const parameter = signature.get(name);
    const whole =
      meaning.kind === "layer" && parameter !== undefined
        ? withItsSection(meaning.layer, span, parameter, reading)
        : meaning;
    if (whole === undefined) return undefined;
    read.set(name, { ...argument, meaning: whole });
  }
  return read;
}

/** What a parameter is by default, if that is a layer that depends on no other parameter. */
function defaultLayer({ name, kind }: SignatureParameter, { file, frame }: Reading): LayerValue | undefined {
  const written = frame.definition.parameters.find((each) => each.name.text === name)?.default;
  if (written === undefined || keysOf(written).length > 0) return undefined;
  // Where it is the default that is wrong, that is told where it is taken.
  const meaning = evaluateWithKeys(written, [], file, quietly(frame), (inner, expression) =>
    inner.context.walk.evaluateAs(expression, kind, inner, `the default of \`${name}\``),
  );
  return meaning?.kind === "layer" ? meaning.layer : undefined;
}

/** A frame in which what is wrong, and what is seen, is told nobody. */
function quietly(frame: Frame): Frame {
  const { context } = frame;
  const diagnostics = new Diagnostics((source) => context.library.has(source));
  return { ...frame, context: { ...context, diagnostics, observe: undefined } };
}
