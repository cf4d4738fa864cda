import { Problem, quotePath } from "./problem.ts";

/** An HDF5 file as Keras writes them: groups with attributes, and arrays of float32. */
export interface Hdf5 {
  /** What a group has, in the order of the file; empty for what is no group. */
  readonly keys: (path: string) => readonly string[];
  /** An array; undefined for what is none. */
  readonly array: (
    path: string,
  ) => { readonly shape: readonly number[]; readonly data: Float32Array } | undefined;
  /** An attribute that is a text, or several. */
  readonly texts: (path: string, name: string) => readonly string[] | undefined;
}

/** An array of a file that is written. */
export interface Hdf5Array {
  readonly path: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

type Package = typeof import("h5wasm").default;

/**
 * The package `h5wasm`, NIST's build of the HDF5 library for WebAssembly: it is an optional peer, as it is larger than lmg, and nothing but
 * Keras' files has HDF5 in it.
 */
async function loadPackage(what: string): Promise<Package | Problem> {
  try {
    const { default: h5wasm } = await import("h5wasm");
    await h5wasm.ready;
    return h5wasm;
  } catch (error) {
    return new Problem(
      "E773",
      `${what} takes the package \`h5wasm\`, which cannot be loaded: ${String(error).split("\n")[0]!}`,
      "install it: `npm install h5wasm`",
    );
  }
}

/** Files of the package's own memory have a name each. */
let files = 0;

/** Reads a file of HDF5 that is in memory. */
export async function readHdf5<T>(
  bytes: Uint8Array,
  name: string,
  read: (file: Hdf5) => T | Problem,
): Promise<T | Problem> {
  const h5wasm = await loadPackage(`reading ${quotePath(name)}`);
  if (h5wasm instanceof Problem) return h5wasm;
  const { FS } = await h5wasm.ready;
  const place = `/read-${files++}.h5`;
  FS.writeFile(place, bytes);
  try {
    const file = new h5wasm.File(place, "r");
    try {
      return read(viewOf(file, h5wasm));
    } finally {
      file.close();
    }
  } catch (error) {
    return new Problem(
      "E772",
      `${quotePath(name)} is no HDF5 file that can be read: ${String(error).split("\n")[0]!}`,
    );
  } finally {
    FS.unlink(place);
  }
}

function viewOf(file: InstanceType<Package["File"]>, { Dataset, Group }: Package): Hdf5 {
  const at = (path: string) => (path === "" ? file : file.get(path));
  return {
    keys: (path) => {
      const found = at(path);
      return found instanceof Group ? found.keys() : [];
    },
    array: (path) => {
      const found = file.get(path);
      if (!(found instanceof Dataset)) return undefined;
      const { shape, value } = found;
      const data = typeof value === "number" ? [value] : value;
      if (shape === null || !(Array.isArray(data) || ArrayBuffer.isView(data))) return undefined;
      return { shape, data: Float32Array.from(data as ArrayLike<number>) };
    },
    texts: (path, name) => {
      const found = at(path);
      if (found === null || !("attrs" in found) || !Object.hasOwn(found.attrs, name)) return undefined;
      const { value } = found.attrs[name]!;
      const list = Array.isArray(value) ? (value as unknown[]) : [value];
      return list.every((each) => typeof each === "string") ? list : undefined;
    },
  };
}

/** A file of HDF5 with these groups and arrays, those around them too. */
export async function writeHdf5(
  groups: readonly string[],
  arrays: readonly Hdf5Array[],
): Promise<Uint8Array | Problem> {
  const h5wasm = await loadPackage("writing a .keras file");
  if (h5wasm instanceof Problem) return h5wasm;
  const { FS } = await h5wasm.ready;
  const place = `/write-${files++}.h5`;
  const file = new h5wasm.File(place, "w");
  for (const group of groups) file.create_group(group);
  for (const { path, shape, data } of arrays)
    file.create_dataset({ name: path, data, shape: [...shape], dtype: "<f4" });
  file.flush();
  file.close();
  const bytes = FS.readFile(place);
  FS.unlink(place);
  return bytes;
}
