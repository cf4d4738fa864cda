import type { Command } from "../command.ts";
import { documentation, type Entry } from "../documentation.ts";
import { nearest } from "../../support/text.ts";
import { writeJson } from "../out.ts";
import { stop } from "../stop.ts";

interface OpsOptions {
  readonly markdown?: true;
  readonly json?: true;
}

const titles: { readonly [K in Entry["kind"]]: string } = {
  layer: "Layers of the language",
  block: "Blocks of the standard library",
  op: "Ops of graphs",
};

const kinds = ["layer", "block", "op"] as const;

export const command: Command = {
  arguments: [{ name: "[name]", description: "only the layer, block or op of this name" }],
  options: [
    { flags: "--markdown", description: "as a Markdown page" },
    { flags: "--json", description: "as JSON" },
  ],
  examples: [
    ["lmg ops linear", "what `linear` computes, its parameters and what it owns"],
    ["lmg ops --markdown > ops.md", "the whole reference as a page"],
  ],
  run([name], { markdown, json }: OpsOptions, out) {
    const all = documentation();
    const entries = name === undefined ? all : all.filter((entry) => entry.name === name);
    if (entries.length === 0) {
      const near = nearest(name ?? "", new Set(all.map((entry) => entry.name)));
      stop("E806", `there is no layer, block or op \`${name ?? ""}\``, near && `did you mean \`${near}\`?`);
    }
    if (json === true) writeJson(out, entries);
    else
      out.write(
        sections(entries, markdown === true ? markdownEntry : plainEntry, markdown === true ? "## " : ""),
      );
  },
};

function sections(entries: readonly Entry[], show: (entry: Entry) => string, mark: string): string {
  const parts = kinds.flatMap((kind) => {
    const found = entries.filter((entry) => entry.kind === kind);
    return found.length === 0 ? [] : [`${mark}${titles[kind]}\n\n${found.map(show).join("\n")}`];
  });
  return parts.join("\n");
}

const plainEntry = ({ usage, doc, note }: Entry): string =>
  `  ${usage}\n      ${doc}${note === "" ? "" : `\n      (${note})`}\n`;

const markdownEntry = ({ name, usage, doc, note }: Entry): string =>
  `### \`${name}\`\n\n\`\`\`\n${usage}\n\`\`\`\n\n${doc}${note === "" ? "" : `\n\n*${note}*`}\n`;
