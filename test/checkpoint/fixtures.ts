import { readFileSync } from "node:fs";
import { Problem } from "../../src/checkpoint/problem.ts";

/** Bytes of a file that a reference implementation wrote (`make_fixtures.py`). */
export const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));

/** What NumPy says is in each array of the fixtures. */
export const fixtureValues = JSON.parse(new TextDecoder().decode(fixture("values.json"))) as Readonly<
  Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>
>;

/** The value, which must not be a problem. */
export function expectValue<T>(value: T | Problem): T {
  if (value instanceof Problem) throw new Error(`unexpected: ${value.message}`);
  return value;
}

/** `E701 message`, or with the help behind it. */
export function messageOf(value: unknown): string {
  if (!(value instanceof Problem)) throw new Error("expected a problem");
  return `${value.code} ${value.message}${value.help === undefined ? "" : ` | ${value.help}`}`;
}

/** A safetensors file with any header text (or bytes) and data. */
export function fileWith(header: string | Uint8Array, data: Uint8Array = new Uint8Array()): Uint8Array {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}
