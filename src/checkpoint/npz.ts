import { zipSync } from "fflate";
import type { HostTensor } from "../tensor/host.ts";
import { unpackedLimit } from "./limits.ts";
import { readNpy, readStoredNpy, writeNpy } from "./npy.ts";
import { Problem, quote } from "./problem.ts";
import type { StoredTensor } from "./stored.ts";
import { tooFar } from "./unpacking.ts";
import { readZipDirectory, unzipEntry, type ZipEntry } from "./zip.ts";

/** The arrays of a .npz file by name, without `.npy`. Other entries are passed over. */
export const readNpz = (bytes: Uint8Array, name: string): ReadonlyMap<string, HostTensor> | Problem =>
  readEach(bytes, name, readNpy);

/** The same with their elements as they lie in the file. */
export const readStoredNpz = (bytes: Uint8Array, name: string): ReadonlyMap<string, StoredTensor> | Problem =>
  readEach(bytes, name, readStoredNpy);

const ENDING = ".npy";

function readEach<T>(
  bytes: Uint8Array,
  name: string,
  read: (bytes: Uint8Array, name: string) => T | Problem,
): ReadonlyMap<string, T> | Problem {
  const entries = readZipDirectory(bytes)?.filter((entry) => entry.name.endsWith(ENDING));
  if (entries === undefined) return damaged(name);
  const refused = directoryProblem(entries, bytes.length, name);
  if (refused !== undefined) return refused;
  const arrays = new Map<string, T>();
  for (const entry of entries) {
    const content = unzipEntry(bytes, entry, name) ?? damaged(name);
    const array = content instanceof Problem ? content : read(content, `${name}: ${quote(entry.name)}`);
    if (array instanceof Problem) return array;
    arrays.set(entry.name.slice(0, -ENDING.length), array);
  }
  return arrays.size > 0 ? arrays : new Problem("E714", `${name}: the zip archive holds no .npy arrays`);
}

/** What is wrong with what the archive says of its arrays, before one of them is unpacked. */
function directoryProblem(entries: readonly ZipEntry[], packed: number, name: string): Problem | undefined {
  const most = unpackedLimit(packed);
  if (entries.reduce((sum, { size }) => sum + size, 0) > most)
    return new Problem(
      "E714",
      tooFar(name, packed, most),
      "if you trust it, write it with `numpy.savez`, which packs nothing",
    );
  const names = new Set<string>();
  for (const entry of entries) {
    if (entry.encrypted || (entry.method !== 0 && entry.method !== 8))
      return new Problem(
        "E714",
        `${name}: ${quote(entry.name)} is ${entry.encrypted ? "encrypted" : `packed by method ${entry.method} of zip`}, which cannot be read`,
        "write it with numpy.savez or numpy.savez_compressed",
      );
    if (names.has(entry.name)) return new Problem("E714", `${name}: ${quote(entry.name)} stands twice in it`);
    names.add(entry.name);
  }
  return undefined;
}

const damaged = (name: string): Problem =>
  new Problem("E714", `${name}: expected a .npz file, but the zip archive is damaged`);

/** A .npz file, not compressed, as `numpy.savez` writes it. */
export function writeNpz(arrays: ReadonlyMap<string, HostTensor>): Uint8Array {
  const files = [...arrays].map(([name, tensor]) => [`${name}.npy`, writeNpy(tensor)] as const);
  return zipSync(Object.fromEntries(files), { level: 0 });
}
