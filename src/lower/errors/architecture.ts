import type { ArchitectureLine, ConfigKeyLine } from "../../language/ast.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import { plural } from "../../support/text.ts";

export const secondArchitecture = (second: ArchitectureLine, first: ArchitectureLine): Diagnostic =>
  errorAt("E556", second.span, "a section has one `architecture` line", {
    more: [{ span: first.span, text: "the first one" }],
    help: "name the classes of all families in one line, with commas",
  });

export const architectureOfNoFamily = (line: ArchitectureLine): Diagnostic =>
  errorAt("E556", line.span, "`architecture` names the class of a family, and this section speaks for none", {
    help: 'say which: `config for "MODEL_TYPE" { … }`',
  });

export const architectureCount = (line: ArchitectureLine, families: number): Diagnostic =>
  errorAt(
    "E556",
    line.span,
    `the line names ${plural(line.names.length, "class", "classes")}, and the section speaks for ${plural(families, "family", "families")}`,
    { help: "name one class for all families, or one for each, in their order" },
  );

export const cannotBeWritten = (line: ConfigKeyLine): Diagnostic =>
  errorAt("E557", line.span, `no config can be written of \`${line.name.text}\`: this line has no inverse`, {
    label: "what the keys are does not follow from what it gives",
    help: `a section with an \`architecture\` is also read backwards: let the first alternative be a key, \`${line.name.text} = KEY else …\``,
  });
