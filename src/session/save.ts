import { SessionError } from "./error.ts";
import type { StateTensor, StateTensors } from "./form.ts";

/** What a session knows. */
export interface SavedText {
  readonly length: number;
  readonly ids: readonly number[] | undefined;
  readonly begins: readonly number[] | undefined;
  readonly state: StateTensors;
}

/** What a saved session says of itself. */
interface SavedHeader {
  readonly hash: string;
  readonly length: number;
  readonly ids: readonly number[] | null;
  readonly begins: readonly number[] | null;
}

/** The bytes of a saved session: a safetensors file of the states, whose metadata say what it is of. */
export function savedBytes({ length, ids, begins, state }: SavedText, hash: string): Uint8Array {
  const header: SavedHeader = { hash, length, ids: ids ?? null, begins: begins ?? null };
  const entries = Object.entries(state).map(([name, { data, shape }]) => {
    const isWhole = data instanceof Int32Array;
    const kept = isWhole ? data : Float32Array.from(data);
    return {
      name,
      shape,
      dtype: isWhole ? "I32" : "F32",
      bytes: new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength),
    };
  });
  let end = 0;
  const tensors = entries.map(({ name, shape, dtype, bytes }) => {
    const start = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [start, end] }];
  });
  const metadata = { lmg_session: JSON.stringify(header) };
  const text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(tensors) });
  const head = new TextEncoder().encode(text + " ".repeat((8 - (text.length % 8)) % 8));
  const file = new Uint8Array(8 + head.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  let at = 8 + head.length;
  for (const { bytes } of entries) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** What bytes of `savedBytes` hold, if they are of a session of this program and these weights. */
export function readSaved(bytes: Uint8Array, hash: string): SavedText {
  const { header, entries, start } = readSavedHeader(bytes);
  if (header.hash !== hash) throw new SessionError("it was saved with another model, or other weights");
  const state = entries.map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]): [string, StateTensor] => {
      const size = shape.reduce((product, length) => product * length, 1);
      if (to - from !== 4 * size || start + to > bytes.length)
        throw new SessionError(`what was saved of ${name} is cut off`);
      const words = bytes.slice(start + from, start + to).buffer;
      return [name, { data: dtype === "I32" ? new Int32Array(words) : new Float32Array(words), shape }];
    },
  );
  const { length, ids, begins } = header;
  return { length, ids: ids ?? undefined, begins: begins ?? undefined, state: Object.fromEntries(state) };
}

interface SavedEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function readSavedHeader(bytes: Uint8Array): {
  readonly header: SavedHeader;
  readonly entries: readonly (readonly [string, SavedEntry])[];
  readonly start: number;
} {
  try {
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length));
    const { __metadata__: metadata, ...entries } = JSON.parse(text) as Record<string, unknown>;
    const header = JSON.parse((metadata as Record<string, string>)["lmg_session"]!) as SavedHeader;
    return { header, entries: Object.entries(entries as Record<string, SavedEntry>), start: 8 + length };
  } catch {
    throw new SessionError("these bytes are no saved session");
  }
}
