import { addressOf, openBytes, type ByteSource, type WeightFile } from "./bytes.ts";
import { elementBytes, readElements } from "./elements.ts";
import { WeightsError } from "./error.ts";
import { headerLength, readEntries, type FileEntry } from "./header.ts";
import type { LoadOptions, StreamedTensor } from "./stream.ts";

/** Weights whose tensors are read when they are wanted; \`close\` ends that. */
export interface OpenedWeights {
  readonly tensors: ReadonlyMap<string, StreamedTensor>;
  readonly close: () => void;
}

/**
 * Opens a safetensors file of any size, or several that are one checkpoint: given each, or by their index
 * (`….safetensors.index.json`), which says which they are. Only headers are read; floats become float32, whole numbers int32.
 * Throws WeightsError for a file that is cut off or contradicts itself.
 */
export async function openSafetensors(
  source: WeightFile | readonly WeightFile[],
  options: LoadOptions = {},
): Promise<OpenedWeights> {
  const opened: ByteSource[] = [];
  const close = (): void => {
    for (const file of opened.splice(0)) file.close();
  };
  try {
    const tensors = new Map<string, StreamedTensor>();
    for (const file of await filesOf(source, options)) {
      const bytes = await openBytes(file, options);
      opened.push(bytes);
      const length = headerLength(await bytes.read(0, Math.min(8, bytes.size)), bytes.size);
      for (const entry of readEntries(await bytes.read(8, 8 + length), bytes.size)) {
        if (tensors.has(entry.tensor)) throw new WeightsError(["two files have the tensor " + entry.tensor]);
        tensors.set(entry.tensor, tensorOf(entry, bytes));
      }
    }
    return { tensors, close };
  } catch (error) {
    close();
    throw error;
  }
}

function tensorOf({ dtype, shape, begin }: FileEntry, bytes: ByteSource): StreamedTensor {
  const width = elementBytes.get(dtype)!;
  return {
    shape,
    dtype: dtype.includes("F") ? "f32" : "i32",
    isFar: bytes.isFar,
    elementBytes: bytes.isFetched === true ? 0 : width,
    read: (first, end) => {
      const found = bytes.read(begin + width * first, begin + width * end);
      return found instanceof Uint8Array
        ? readElements(dtype, found, end - first)
        : found.then((part) => readElements(dtype, part, end - first));
    },
  };
}

/** The files of a checkpoint: all that are given, or those that an index names, beside it. */
async function filesOf(
  source: WeightFile | readonly WeightFile[],
  options: LoadOptions,
): Promise<readonly WeightFile[]> {
  if (Array.isArray(source)) return source as readonly WeightFile[];
  const file = source as WeightFile;
  const address = addressOf(file);
  const path = address?.pathname ?? file;
  if (typeof path !== "string" || !path.endsWith(".index.json")) return [file];
  const bytes = await openBytes(file, options);
  try {
    const text = new TextDecoder().decode(await bytes.read(0, bytes.size));
    const names = [
      ...new Set(Object.values((JSON.parse(text) as { weight_map: Record<string, string> }).weight_map)),
    ];
    if (!names.every((name) => /^[^/\\]+\.safetensors$/.test(name)))
      throw new WeightsError(["the index names files that are not beside it"]);
    return names.map((name) =>
      address === undefined ? (file as string).replace(/[^/\\]*$/, name) : new URL(name, address),
    );
  } catch (error) {
    if (error instanceof WeightsError) throw error;
    throw new WeightsError([path + " is no index of safetensors files"]);
  } finally {
    bytes.close();
  }
}
