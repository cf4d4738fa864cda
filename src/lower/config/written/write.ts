import type { ConfigStatement } from "../../../language/ast.ts";
import type { Text } from "../../../language/ast/expressions.ts";
import { bindParameters } from "../../calls/blocks.ts";
import type { Frame } from "../../frame/context.ts";
import { Diagnostics } from "../../frame/report.ts";
import { Scope } from "../../names/scope.ts";
import type { Meaning } from "../../values/meaning.ts";
import { sectionOf } from "../read.ts";
import { asOfClass, classHas } from "./class.ts";
import { keyValue, type Keys } from "./keys.ts";
import { solveLayer } from "./layers.ts";
import { isOfObject, solveLines, type Solved, type Unsaid } from "./section.ts";

/** What a model's section says of a config.json in which the model is one of a published family. */
export interface WrittenSection {
  /** A `model_type`. */
  readonly family: string;
  readonly architecture: string;
  /** As explicit as can be; and without parts of objects that would say what holds without them. */
  readonly keys: readonly Keys[];
  /** What no key can say. */
  readonly unsaid: readonly Unsaid[];
}

/** A text without holes; one with holes names no family. */
const plainText = ({ parts }: Text): string => parts.filter((part) => typeof part === "string").join("");

/** The `config` section of a model read backwards, for each family that it speaks for and names an architecture of. */
export function writtenSections(
  frame: Frame,
  parameters: ReadonlyMap<string, Meaning>,
): readonly WrittenSection[] {
  // What cannot be said is a value; nothing of it is a mistake in the text.
  const diagnostics = new Diagnostics((source) => frame.context.library.has(source));
  const quiet: Frame = { ...frame, context: { ...frame.context, diagnostics, observe: undefined } };
  const section = sectionOf(frame.definition, quiet);
  const names = section === undefined ? [] : architecturesOf(section);
  if (section === undefined || names.length === 0) return [];
  return section.families.map((text, index) => {
    const family = plainText(text);
    const from: Keys = new Map([["model_type", keyValue(family)]]);
    const wants = (name: string) => {
      const value = parameters.get(name);
      if (value === undefined) return undefined;
      return { value, missing: defaultOf(name, parameters, quiet) };
    };
    const site = { frame: quiet, solveLayer, has: (key: string) => classHas(family, key) };
    const [whole, brief] = [() => false, isOfObject].map((leavesOut) =>
      solveLines(section, from, { wants, site, leavesOut }),
    ) as [Solved, Solved];
    const keys = [whole.keys, brief.keys].map((solved) => asOfClass(family, solved));
    return { family, architecture: names[index] ?? names[0]!, keys, unsaid: whole.unsaid };
  });
}

/** The classes that a section names, one for each family or one for all. */
const architecturesOf = ({ lines }: ConfigStatement): readonly string[] =>
  lines.flatMap((line) => (line.kind === "architecture" ? line.names.map(({ text }) => text) : []));

/** What a parameter is if all others are as they are and it is not given; undefined if it must be. */
function defaultOf(
  name: string,
  parameters: ReadonlyMap<string, Meaning>,
  frame: Frame,
): Meaning | undefined {
  const scope = new Scope(() => undefined);
  const { span } = frame.definition.name;
  const others = [...parameters].filter(([other]) => other !== name);
  bindParameters({ ...frame, scope }, new Map(others.map(([other, meaning]) => [other, { meaning, span }])));
  return scope.find(name)?.meaning;
}
