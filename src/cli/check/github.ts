import type { DiagnosticRecord } from "../../support/record.ts";

/**
 * A line for each diagnostic that GitHub Actions shows beside the changed text ("Workflow commands for GitHub Actions",
 * "Setting an error message"). Columns are given only within one line, as the page asks for.
 */
export const showGithub = (records: readonly DiagnosticRecord[]): string =>
  records.map((record) => `${showCommand(record)}\n`).join("");

function showCommand({ severity, path, span, code, message, labels, help }: DiagnosticRecord): string {
  const properties: [string, string | number][] = [];
  if (path !== null) properties.push(["file", path]);
  if (span !== null) {
    const { start, end } = span;
    properties.push(["line", start.line], ["endLine", end.line]);
    if (start.line === end.line) properties.push(["col", start.column], ["endColumn", end.column]);
  }
  properties.push(["title", code]);
  const remarks = labels.flatMap(({ path: file, span: { start }, text }, index) =>
    text === null ? [] : [index === 0 ? text : `${file}:${start.line}:${start.column}: ${text}`],
  );
  const text = [message, ...remarks, ...(help === null ? [] : [`help: ${help}`])].join("\n");
  const shown = properties.map(([name, value]) => `${name}=${escapeProperty(String(value))}`).join(",");
  return `::${severity} ${shown}::${escapeData(text)}`;
}

/** As `@actions/core` escapes what stands behind `::`. */
const escapeData = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
