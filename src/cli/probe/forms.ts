import { Problem, quote } from "../../checkpoint/problem.ts";
import { parse } from "../../language/parse.ts";
import { isError } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import { listWords, nearest } from "../../support/text.ts";
import { parseNumber, parseSettings } from "../arguments.ts";
import { readModelFile } from "../source.ts";
import { orStop, Stop } from "../stop.ts";
import type { ProbeOptions } from "./options.ts";

/** One form of the model to probe. */
export interface Form {
  /** The value that is compared; empty if none is. */
  readonly variant: string;
  readonly depth: number | undefined;
  /** All that `--set` gives it. */
  readonly set: readonly string[];
}

/** Every form that `--compare` and `--depth` ask for; parameters that the model does not have end the command. */
export function formsOf(path: string | Source, options: ProbeOptions): readonly Form[] {
  const compared = comparedOf(options.compare);
  const depths = options.depth === undefined ? undefined : depthsOf(options.depth);
  const set = options.set ?? [];
  const given = orStop(parseSettings(set));
  for (const [option, name] of [
    ["--compare", compared?.name],
    ["--depth", depths && DEPTH],
  ] as const)
    if (name !== undefined) requireParameter(path, option, name, given, options.model);
  return (compared?.values ?? [""]).flatMap((variant) =>
    (depths ?? [undefined]).map((depth) => ({
      variant,
      depth,
      set: [
        ...set,
        ...(compared === undefined ? [] : [`${compared.name}=${variant}`]),
        ...(depth === undefined ? [] : [`${DEPTH}=${depth}`]),
      ],
    })),
  );
}

const PLACEMENT = "placement";
const DEPTH = "depth";

/** `pre,post` of the parameter `placement`, or `variant=pre,post`. */
function comparedOf(text: string | undefined) {
  if (text === undefined) return undefined;
  const [, name = PLACEMENT, list = ""] = /^(?:([a-z_]\w*)=)?(.*)$/s.exec(text) ?? [];
  return { name, values: valuesOf("--compare", list) };
}

function valuesOf(option: string, list: string): readonly string[] {
  const values = list.split(",").map((value) => value.trim());
  const twice = values.find((value, index) => values.indexOf(value) < index);
  if (twice !== undefined) throw new Stop([new Problem("E860", `${option} gives ${quote(twice)} twice`)]);
  if (!values.includes("")) return values;
  const example = option === "--compare" ? "--compare pre,post or --compare depth=2,8" : "--depth 4,16";
  throw new Stop([
    new Problem(
      "E860",
      `${option} expects values between commas, found ${quote(list)}`,
      `for example ${example}`,
    ),
  ]);
}

const depthsOf = (list: string): readonly number[] =>
  valuesOf("--depth", list).map((value) => orStop(parseNumber("--depth", value, 1, 10_000, true)));

/** The model must have the parameter, and `--set` must leave it alone. */
function requireParameter(
  path: string | Source,
  option: string,
  name: string,
  given: Readonly<Record<string, string>>,
  chosen: string | undefined,
): void {
  if (Object.hasOwn(given, name))
    throw new Stop([new Problem("E860", `${option} and --set both give \`${name}\``)]);
  const { file, diagnostics } = parse(typeof path === "string" ? readModelFile(path) : path);
  if (diagnostics.some(isError)) throw new Stop(diagnostics);
  const models = file.definitions.filter(({ kind }) => kind === "model");
  const model = models.find((definition) => chosen === undefined || definition.name.text === chosen);
  // A file without the model is told of when it is lowered.
  if (model === undefined) return;
  const names = model.parameters.map((parameter) => parameter.name.text);
  if (names.includes(name)) return;
  const has = names.length === 0 ? "it has none" : `it has ${listWords(names.map((one) => `\`${one}\``))}`;
  const near = nearest(name, names);
  const other =
    option === "--compare"
      ? "compare another with --compare NAME=a,b"
      : "compare it with --compare NAME=4,16";
  throw new Stop([
    new Problem(
      "E861",
      `${option} sets the parameter \`${name}\`, which ${model.name.text} does not have; ${has}`,
      near === undefined ? other : `did you mean --compare ${near}=…?`,
    ),
  ]);
}
