import { silentKeys } from "../../families/defaults.ts";
import { familyFile } from "../../families/families.ts";
import type { ConfigStatement } from "../../language/ast.ts";
import type { Text } from "../../language/ast/expressions.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/config.ts";
import { withClasses } from "./classes.ts";
import { ConfigFile, withoutKeys, type ConfigObject } from "./file.ts";
import { isHarmless } from "./harmless.ts";
import type { ConfigArgument } from "./origin.ts";
import { readSection, sectionOf } from "./read.ts";
import { textPart, type NamedConfig } from "./text-part.ts";

export interface ConfigOptions {
  /** A published config.json; parameters are read from it as the model's `config { }` says, and nothing is left unread. */
  readonly config?: ConfigObject;
  /** Its path, for messages. Default: config.json. */
  readonly configName?: string;
  /** Keys of it to pass over, as if they did not stand there; `*` stands for any part of a name. */
  readonly ignoreConfig?: readonly string[];
}

/**
 * The model's parameters from a published config.json, by its `config { }` section. Every key must be read by a line, be
 * neutral for the model or for all models, or be passed over by the user: else it is reported, with what it is. Undefined
 * if anything was reported.
 */
export function settingsFromConfig(
  { config = {}, configName = "config.json", ignoreConfig = [] }: ConfigOptions,
  frame: Frame,
): Map<string, ConfigArgument> | undefined {
  const { definition, context } = frame;
  const { diagnostics } = context;
  const errorsBefore = diagnostics.errors;
  const { values, left, unused } = withoutKeys(withClasses(config), ignoreConfig);
  const section = sectionOf(definition, frame);
  const file = fileFor(section, { config: values, name: configName });
  const place = section === undefined ? definition.name.span : wordSpan(section);
  if (left.length > 0) diagnostics.add(errors.passedOver(place, file, left));
  if (unused.length > 0) diagnostics.add(errors.nothingToPassOver(place, file, unused));
  if (section === undefined) {
    const unread = file.unread(isHarmless);
    if (unread.length === 0) return new Map();
    diagnostics.add(errors.configUnread(definition, file, unread));
    return undefined;
  }
  if (!speaksFor(section, file, frame)) return undefined;
  const read = readSection(section, { file, frame, stack: [definition] });
  const unread = file.unread(isHarmless);
  for (const { disagreement, ...entry } of unread)
    if (disagreement !== undefined) diagnostics.add(errors.keysDisagree(file, entry, disagreement));
  const unknown = unread.filter(({ disagreement }) => disagreement === undefined);
  if (unknown.length > 0) diagnostics.add(errors.unreadKeys(place, definition, file, unknown));
  return diagnostics.errors > errorsBefore ? undefined : read;
}

/** The config that a section reads: of a model of several parts that of the text model, where the section is for that. */
function fileFor(section: ConfigStatement | undefined, whole: NamedConfig): ConfigFile {
  const families = section === undefined ? [] : section.families.map(plainText);
  const isFor = ({ config }: NamedConfig): boolean =>
    families.some((family) => family === config["model_type"]);
  const part = isFor(whole) ? undefined : textPart(whole);
  const { config, name } = part !== undefined && isFor(part) ? part : whole;
  const { model_type: type } = config;
  const silent = typeof type === "string" && families.includes(type) ? silentKeys(type) : undefined;
  return new ConfigFile(name, config, silent);
}

/** The word `config` of a section. */
const wordSpan = ({ span }: ConfigStatement) => ({ ...span, end: span.start + "config".length });

/** A text without holes; one with holes names no family. */
const plainText = ({ parts }: Text): string => parts.filter((part) => typeof part === "string").join("");

/** Whether the section says that it speaks for the file's `model_type`; what it does not speak for is reported. */
function speaksFor(section: ConfigStatement, file: ConfigFile, { context }: Frame): boolean {
  const found = file.lookUp("model_type");
  if (found === undefined || section.families.length === 0) return true;
  const families = section.families.map(plainText);
  file.markRead(["model_type"]);
  if (found === null || found === "" || families.some((family) => family === found)) return true;
  const fitting = typeof found === "string" ? familyFile(found) : undefined;
  context.diagnostics.add(errors.familyNotSpoken(section, file, found, families, fitting));
  return false;
}
