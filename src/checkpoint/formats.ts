/** Formats that are told by how a file begins, whatever its name. */
export type Format = keyof typeof formats;

/** As many bytes of a file as `recognize` looks at: names of members stand in front of their contents in an archive. */
export const RECOGNIZED_BY = 2 ** 16;

interface FormatRecord {
  /** To follow `this is`. */
  readonly is: string;
  readonly matches: (start: Uint8Array) => boolean;
}

/** Whether these bytes stand at a place; a text stands for its Latin-1 codes. */
const has = (start: Uint8Array, text: string, at = 0): boolean =>
  Array.from(text).every((character, index) => start[at + index] === character.charCodeAt(0));

const begins =
  (...texts: readonly string[]) =>
  (start: Uint8Array): boolean =>
    texts.some((text) => has(start, text));

/** Names of the members of a zip archive whose headers are among these bytes (APPNOTE.TXT 4.3.7, 4.3.12). */
function memberNames(start: Uint8Array): readonly string[] {
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const names: string[] = [];
  for (let at = 0; at + 46 <= start.length; at++) {
    if (start[at] !== 0x50) continue;
    const name = has(start, "PK\x03\x04", at) ? 30 : has(start, "PK\x01\x02", at) ? 46 : undefined;
    if (name === undefined) continue;
    const length = view.getUint16(at + name - (name === 30 ? 4 : 18), true);
    names.push(new TextDecoder("latin1").decode(start.subarray(at + name, at + name + length)));
  }
  return names;
}

const zipWith =
  (isMember: (name: string) => boolean) =>
  (start: Uint8Array): boolean =>
    has(start, "PK\x03\x04") && memberNames(start).some(isMember);

/** In this order: the first that matches. */
const formats = {
  // The length of its header begins as several others do: one of 1,152 bytes as a pickle, one of 35,615 as a gzip file.
  safetensors: { is: "a safetensors file", matches: isSafetensors },
  npy: { is: "an array of NumPy (.npy)", matches: begins("\x93NUMPY") },
  gzip: { is: "a gzip file", matches: begins("\x1f\x8b") },
  torch: {
    is: "a checkpoint of PyTorch (a zip archive with a pickle)",
    // torch.save writes its pickle first, torch.jit.save the numbers, which may be beyond what is looked at.
    matches: zipWith((name) => /(^|\/)data(\.pkl|\/\d+)$/.test(name)),
  },
  keras: {
    is: "a model of Keras (a zip archive with its weights in HDF5)",
    matches: zipWith((name) => name === "model.weights.h5" || name === "metadata.json"),
  },
  npz: { is: "arrays of NumPy (.npz)", matches: zipWith((name) => name.endsWith(".npy")) },
  zip: { is: "a zip archive", matches: begins("PK\x03\x04", "PK\x05\x06") },
  pickle: { is: "a pickle of Python, as PyTorch's older checkpoints are", matches: isPickle },
  hdf5: { is: "an HDF5 file, as Keras and h5py write them", matches: begins("\x89HDF\r\n\x1a\n") },
  gguf: { is: "a model of llama.cpp (GGUF)", matches: begins("GGUF") },
  ggml: { is: "a model of llama.cpp of 2023 (GGML)", matches: begins("tjgg", "lmgg", "fmgg") },
  onnx: { is: "an ONNX model", matches: isOnnx },
  tflite: { is: "a model of TensorFlow Lite", matches: (start) => has(start, "TFL3", 4) },
  sentencepiece: { is: "a model of SentencePiece", matches: isSentencePiece },
  png: { is: "an image (PNG)", matches: begins("\x89PNG\r\n\x1a\n") },
  jpeg: { is: "an image (JPEG)", matches: begins("\xff\xd8\xff") },
  gif: { is: "an image (GIF)", matches: begins("GIF87a", "GIF89a") },
  webp: { is: "an image (WebP)", matches: (start) => has(start, "RIFF") && has(start, "WEBP", 8) },
  wav: { is: "a sound (WAV)", matches: (start) => has(start, "RIFF") && has(start, "WAVE", 8) },
  pdf: { is: "a PDF document", matches: begins("%PDF-") },
  parquet: { is: "a table (Parquet)", matches: begins("PAR1") },
  arrow: { is: "a table (Arrow)", matches: begins("ARROW1") },
  zstd: { is: "packed by zstd", matches: begins("\x28\xb5\x2f\xfd") },
  xz: { is: "packed by xz", matches: begins("\xfd7zXZ\0") },
  bzip2: { is: "packed by bzip2", matches: begins("BZh1", "BZh9") },
  tar: { is: "a tar archive", matches: (start) => has(start, "ustar", 257) },
  lfs: { is: "a pointer of Git LFS", matches: begins("version https://git-lfs") },
  html: { is: "a web page", matches: begins("<!DOCTYPE", "<!doctype", "<html", "<HTML") },
  idx: { is: "an array of MNIST's kind (IDX)", matches: isIdx },
  json: { is: "a JSON text", matches: isJson },
} as const satisfies Readonly<Record<string, FormatRecord>>;

/** The format of a file by its first bytes; undefined for texts and for all that is not known. */
export const recognize = (start: Uint8Array): Format | undefined =>
  (Object.keys(formats) as Format[]).find((format) => formats[format].matches(start));

/** What a format is, to follow `this is`. */
export const describeFormat = (format: Format): string => formats[format].is;

/** Protocols 2 to 5 begin with their number (PEP 307); no text in UTF-8 begins so. */
function isPickle(start: Uint8Array): boolean {
  return start[0] === 0x80 && start[1]! >= 2 && start[1]! <= 5;
}

/** A header of less than 100 MB that is a JSON object (huggingface/safetensors). */
function isSafetensors(start: Uint8Array): boolean {
  return start[8] === 0x7b && start.subarray(4, 8).every((byte) => byte === 0) && start[3]! < 6;
}

/** Two zero bytes, a type, the number of axes (http://yann.lecun.com/exdb/mnist). */
function isIdx(start: Uint8Array): boolean {
  return start[0] === 0 && start[1] === 0 && [8, 9, 11, 12, 13, 14].includes(start[2]!) && start[3] !== 0;
}

/**
 * A protobuf message with ONNX's fields (onnx.proto3, ModelProto): field 1, the version of the IR, a number below 32, then
 * the name of what wrote it (2), the opsets (8) or the graph (7).
 */
function isOnnx(start: Uint8Array): boolean {
  const isVersion = start[0] === 0x08 && start[1]! > 0 && start[1]! < 32;
  if (!isVersion || ![0x12, 0x3a, 0x42].includes(start[2]!)) return false;
  if (start[2] !== 0x12) return true;
  const name = start.subarray(4, 4 + Math.min(start[3]!, 8));
  return name.length > 0 && name.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** A protobuf message whose first field is a piece (sentencepiece_model.proto): a message of a text and a float. */
function isSentencePiece(start: Uint8Array): boolean {
  const [field, size, inner, length] = start;
  return field === 0x0a && inner === 0x0a && size! > length! + 2 && start[4 + length!] === 0x15;
}

/** An object, of which the first key follows, or which is empty. */
function isJson(start: Uint8Array): boolean {
  return /^\s*\{\s*["}]/.test(new TextDecoder("latin1").decode(start.subarray(0, 200)));
}
