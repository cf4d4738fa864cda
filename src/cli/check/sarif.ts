import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import type { DiagnosticRecord, EditRecord, LabelRecord, SpanRecord } from "../../support/record.ts";

/**
 * Diagnostics as a SARIF log, which code hosts and editors read: OASIS, "Static Analysis Results Interchange Format
 * (SARIF) Version 2.1.0". Columns count UTF-16 code units, and the end is the first that is outside (sections 3.14.17, 3.30).
 */
export function sarifLog(records: readonly DiagnosticRecord[], version: string): object {
  const codes = [...new Set(records.map(({ code }) => code))].sort();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "lmg", version, rules: codes.map((code) => ({ id: code })) } },
        columnKind: "utf16CodeUnits",
        results: records.map((record) => resultOf(record, codes)),
      },
    ],
  };
}

function resultOf(record: DiagnosticRecord, codes: readonly string[]): object {
  const { code, severity, message, help, path, labels, fix } = record;
  const [blamed, ...others] = labels;
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: severity,
    message: { text: help === null ? message : `${message}\nhelp: ${help}` },
    locations:
      blamed !== undefined ? [locationOf(blamed)] : path !== null ? [{ physicalLocation: fileOf(path) }] : [],
    ...(others.length > 0 && {
      relatedLocations: others.map((label, index) => ({ id: index + 1, ...locationOf(label) })),
    }),
    ...(fix.length > 0 && { fixes: [{ artifactChanges: changesOf(fix) }] }),
  };
}

const locationOf = ({ path, span, text }: LabelRecord): object => ({
  physicalLocation: { ...fileOf(path), region: regionOf(span) },
  ...(text !== null && { message: { text } }),
});

const fileOf = (path: string) => ({ artifactLocation: { uri: uriOf(path) } });

/** A path as a reference of RFC 3986; a relative one stays so. */
const uriOf = (path: string): string =>
  isAbsolute(path) ? pathToFileURL(path).href : path.split(/[\\/]/).map(encodeURIComponent).join("/");

const regionOf = ({ start, end }: SpanRecord): object => ({
  startLine: start.line,
  startColumn: start.column,
  endLine: end.line,
  endColumn: end.column,
  charOffset: start.offset,
  charLength: end.offset - start.offset,
});

/** The edits, by file. */
function changesOf(fix: readonly EditRecord[]): readonly object[] {
  const paths = [...new Set(fix.map(({ path }) => path))];
  return paths.map((path) => ({
    ...fileOf(path),
    replacements: fix
      .filter((edit) => edit.path === path)
      .map(({ span, text }) => ({ deletedRegion: regionOf(span), insertedContent: { text } })),
  }));
}
