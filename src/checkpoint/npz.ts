import { unzipSync, zipSync } from "fflate";
import type { HostTensor } from "../tensor/host.ts";
import { MAX_RATIO } from "./gzip.ts";
import { readNpy, readStoredNpy, writeNpy } from "./npy.ts";
import { Problem } from "./problem.ts";
import type { StoredTensor } from "./stored.ts";

/** The arrays of a .npz file by name, without `.npy`. Other entries are passed over. */
export const readNpz = (bytes: Uint8Array, name: string): ReadonlyMap<string, HostTensor> | Problem =>
  readEach(bytes, name, readNpy);

/** The same with their elements as they lie in the file. */
export const readStoredNpz = (bytes: Uint8Array, name: string): ReadonlyMap<string, StoredTensor> | Problem =>
  readEach(bytes, name, readStoredNpy);

function readEach<T>(
  bytes: Uint8Array,
  name: string,
  read: (bytes: Uint8Array, name: string) => T | Problem,
): ReadonlyMap<string, T> | Problem {
  const files = unzip(bytes, name);
  if (files instanceof Problem) return files;
  const arrays = new Map<string, T>();
  for (const [file, content] of files) {
    const array = read(content, `${name}: ${file}`);
    if (array instanceof Problem) return array;
    arrays.set(file.slice(0, -".npy".length), array);
  }
  return arrays.size > 0 ? arrays : new Problem("E714", `${name}: the zip archive holds no .npy arrays`);
}

/** A directory entry takes at least this many bytes (APPNOTE 4.3.12), so a file holds no more than its size allows. */
const MIN_ENTRY = 46;

function unzip(bytes: Uint8Array, name: string): readonly [string, Uint8Array][] | Problem {
  let count = 0;
  let claimed = 0;
  try {
    const files = unzipSync(bytes, {
      filter: ({ name: file, originalSize }) => {
        const isArray = file.endsWith(".npy");
        count += MIN_ENTRY;
        claimed += isArray ? originalSize : 0;
        if (count > bytes.length || claimed > bytes.length * MAX_RATIO) throw new RangeError(file);
        return isArray;
      },
    });
    return Object.entries(files);
  } catch {
    return new Problem("E714", `${name}: expected a .npz file, but the zip archive is damaged`);
  }
}

/** A .npz file, not compressed, as `numpy.savez` writes it. */
export function writeNpz(arrays: ReadonlyMap<string, HostTensor>): Uint8Array {
  const files = [...arrays].map(([name, tensor]) => [`${name}.npy`, writeNpy(tensor)] as const);
  return zipSync(Object.fromEntries(files), { level: 0 });
}
