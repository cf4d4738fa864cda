import { nearest } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { EXAMPLE, pages, tinyExample, type Page } from "../explain/pages.ts";
import { writeJson } from "../out.ts";
import { stop } from "../stop.ts";

interface ExplainOptions {
  readonly json?: true;
}

export const command: Command = {
  arguments: [
    { name: "[code]", description: "such as E528 or W301; all of them, a line each, if none is given" },
  ],
  options: [{ flags: "--json", description: "as JSON" }],
  examples: [
    ["lmg explain E528", "what it means, what to do, and a model that gives it"],
    ["lmg explain", "every code"],
  ],
  run([code], { json }: ExplainOptions, out) {
    const all = pages();
    const shown = code === undefined ? all : all.filter((page) => page.code === code.toUpperCase());
    if (shown.length === 0) {
      const near = nearest(
        code!.toUpperCase(),
        all.map((page) => page.code),
      );
      stop(
        "E806",
        `there is no code \`${code!}\``,
        near === undefined ? "`lmg explain` lists them" : `did you mean ${near}?`,
      );
    }
    if (json === true) writeJson(out, code === undefined ? shown : shown[0]);
    else out.write(code === undefined ? shown.map(showLine).join("") : showPage(shown[0]!));
  },
};

/** The code and its first sentence. */
const showLine = ({ code, text }: Page): string =>
  `${code}  ${/^.*?[.:](?=\s|$)/s.exec(text)?.[0] ?? text}\n`;

function showPage({ code, text, files, command }: Page): string {
  const parts = [`${code}: ${text}`];
  for (const { name, text: content } of files)
    parts.push(`${name === EXAMPLE ? "For example" : name}:`, indent(content));
  if (command !== undefined) {
    const needsTiny = command.includes(tinyExample.name);
    if (needsTiny) parts.push(`${tinyExample.name}:`, indent(tinyExample.text));
    parts.push("For example:", indent(command));
  }
  return `${parts.join("\n\n")}\n`;
}

const indent = (text: string): string =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? "" : `    ${line}`))
    .join("\n");
