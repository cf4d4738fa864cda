import { showBytes } from "../support/text.ts";
import { describeFormat, recognize, type Format } from "./formats.ts";
import { Problem, quotePath } from "./problem.ts";

/** A place where a file is wanted: how much of it is read, and which formats it may have. */
export interface Place {
  /** To follow the size in `a model file has at most 2.00 MB`. */
  readonly what: string;
  /** What is larger is refused unread. */
  readonly bytes: number;
  /** To follow `expected`. */
  readonly wants: string;
  /** Formats that may stand here; what is not recognized is for the reader to judge. */
  readonly takes: readonly Format[];
  readonly kind: "model" | "json" | "tokenizer" | "weights" | "data";
}

const MB = 1_000_000;

/**
 * All places. The most that each may have is several times the largest that is published, and little enough that reading
 * one cannot take all memory. Tensors of a checkpoint are read one by one, and have no limit here.
 */
export const places = {
  model: {
    what: "a model file",
    // A text of 256 KB takes up to four bytes a character; the language has the last word.
    bytes: 2 * MB,
    wants: "a model, which is a text",
    takes: [],
    kind: "model",
  },
  /** config.json and the small ones beside it; 21,000 names of classes take 1 MB. */
  json: { what: "such a JSON file", bytes: 16 * MB, wants: "a JSON object", takes: ["json"], kind: "json" },
  /** Those of 262,144 tokens take 33 MB. */
  tokenizer: {
    what: "a tokenizer.json",
    bytes: 128 * MB,
    wants: "a tokenizer.json",
    takes: ["json"],
    kind: "tokenizer",
  },
  /** model.safetensors.index.json; 91,991 tensors in 163 files take 9 MB. */
  index: {
    what: "an index of shards",
    bytes: 64 * MB,
    wants: "an index of shards, which is a JSON object",
    takes: ["json"],
    kind: "weights",
  },
  weights: {
    what: "a checkpoint",
    bytes: Infinity,
    wants: "a safetensors or GGUF file",
    takes: ["safetensors", "gguf"],
    kind: "weights",
  },
  /** A file that an index of shards names. */
  shard: {
    what: "a checkpoint",
    bytes: Infinity,
    wants: "a safetensors file",
    takes: ["safetensors"],
    kind: "weights",
  },
  /** The checkpoint of a run, which is read whole. */
  snapshot: {
    what: "a checkpoint of a run",
    bytes: 2 ** 32 - 1,
    wants: "a safetensors file",
    takes: ["safetensors"],
    kind: "weights",
  },
  /** A text becomes one JavaScript string, which has less than 2²⁹ characters. */
  text: {
    what: "a text that is read whole",
    bytes: 2 ** 29 - 25,
    wants: "a text",
    takes: ["json"],
    kind: "data",
  },
  /** Arrays for inputs, and what is trained on: read whole. */
  data: {
    what: "a file that is read whole",
    bytes: 2 ** 32 - 1,
    wants: "a text, or arrays in .npy, .npz, IDX or safetensors",
    takes: ["npy", "npz", "idx", "safetensors", "gzip", "json", "html"],
    kind: "data",
  },
  /** What `lmg import` reads, whole. */
  imported: {
    what: "a model to import",
    bytes: 2 ** 32 - 1,
    wants: "a model of ONNX (.onnx) or of Keras (.keras, .h5, or its config as JSON)",
    takes: ["onnx", "keras", "hdf5", "json"],
    kind: "model",
  },
  /** Tensors of an ONNX model that lie beside it. */
  onnxData: {
    what: "a file of tensors of ONNX",
    bytes: 2 ** 36,
    wants: "the tensors of a model of ONNX",
    takes: ["safetensors"],
    kind: "weights",
  },
} as const satisfies Readonly<Record<string, Place>>;

/** That a file is larger than its place takes. */
export const tooLarge = (
  path: string,
  size: number,
  { what, bytes }: Pick<Place, "what" | "bytes">,
): Problem =>
  new Problem(
    "E700",
    `cannot read ${quotePath(path)}: it has ${showBytes(size)}; ${what} has at most ${showBytes(bytes)}`,
  );

/** That a file of another format stands in a place: what it is, and how to make of it what is wanted. */
export function misplaced(start: Uint8Array, place: Place, path: string): Problem | undefined {
  const format = recognize(start);
  if (format === undefined || place.takes.includes(format)) return undefined;
  return new Problem(
    "E719",
    `${quotePath(path)}: expected ${place.wants}, but this is ${describeFormat(format)}`,
    adviceFor(format, place.kind),
  );
}

/** Tensors that share memory, as tied ones do, are refused by `save_file`: each gets its own. */
const fromTorch =
  "`AutoModel.from_pretrained(FOLDER).save_pretrained(FOLDER, safe_serialization=True)` of transformers, with the class that its config " +
  "names, writes model.safetensors; for weights alone `save_file({name: tensor.clone() for name, tensor in torch.load(FILE, " +
  'weights_only=True).items()}, "model.safetensors")` of safetensors.torch does';

/** What makes weights that lmg reads, in Python. */
const toSafetensors: { readonly [K in Format]?: string } = {
  torch: fromTorch,
  pickle: fromTorch,
  keras:
    '`save_file({w.path: w.numpy() for w in keras.saving.load_model(FILE).weights}, "model.safetensors")` of safetensors.numpy writes its weights; `--prefix` and the labels of the model must fit their names',
  hdf5: "read its arrays with h5py, and write them by the model's names with `save_file` of safetensors.numpy",
  ggml: "convert the model again: `convert_hf_to_gguf.py` of llama.cpp writes GGUF",
  onnx: "`lmg import FILE` writes its model and its weights",
  tflite: "take the weights of the model that it was made of, as safetensors",
  npy: 'save each array by its name: `save_file({"layer.weight": numpy.load(FILE)}, "model.safetensors")` of safetensors.numpy',
  npz: '`save_file(dict(numpy.load(FILE)), "model.safetensors")` of safetensors.numpy converts it',
  json: "name the .safetensors file, its folder, or the ….safetensors.index.json that lists its shards",
};

/** What makes arrays that lmg reads, in Python. */
const toArrays: { readonly [K in Format]?: string } = {
  torch: '`numpy.save("x.npy", torch.load(FILE, weights_only=True).numpy())` writes a tensor as an array',
  pickle: '`numpy.save("x.npy", torch.load(FILE, weights_only=True).numpy())` writes a tensor as an array',
  hdf5: '`numpy.savez("x.npz", **{name: array[()] for name, array in h5py.File(FILE).items()})` writes its arrays',
  png: '`numpy.save("x.npy", numpy.asarray(PIL.Image.open(FILE)))` writes it as an array',
  parquet: '`numpy.save("x.npy", pandas.read_parquet(FILE).to_numpy())` writes it as an array',
  arrow: '`numpy.save("x.npy", pandas.read_feather(FILE).to_numpy())` writes it as an array',
};

const toTokenizer =
  "`AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)` of transformers writes tokenizer.json";

/** What helps wherever the file stands. */
const anywhere: { readonly [K in Format]?: string } = {
  lfs: "`git lfs pull` fetches the file itself",
  html: "is it what a server answered in the place of a file? Fetch it again",
  zip: "unpack it first",
  gzip: "unpack it first: `gunzip -k FILE`",
  zstd: "unpack it first: `zstd -d FILE`",
  xz: "unpack it first: `xz -dk FILE`",
  bzip2: "unpack it first: `bunzip2 -k FILE`",
  tar: "unpack it first: `tar -xf FILE`",
};

/** Where a file belongs that stands in the place of another. */
const belongs: { readonly [K in Format]?: string } = {
  safetensors: "weights are given with --weights",
  gguf: "weights are given with --weights",
  npy: "arrays are given with --input NAME=FILE or --data NAME=FILE",
  npz: "arrays are given with --input NAME=FILE or --data NAME=FILE",
  idx: "arrays are given with --input NAME=FILE or --data NAME=FILE",
  json: "a config.json is given with --config, a tokenizer.json with --tokenizer",
  sentencepiece: toTokenizer,
};

function adviceFor(format: Format, kind: Place["kind"]): string | undefined {
  const image: Format = ["jpeg", "gif", "webp"].includes(format) ? "png" : format;
  const own = anywhere[format];
  if (own !== undefined) return own;
  if (kind === "weights") return toSafetensors[format];
  if (kind === "data") return toArrays[image];
  if (kind === "tokenizer" && format === "sentencepiece") return toTokenizer;
  const weights = toSafetensors[format];
  return (
    belongs[format] ?? (weights === undefined ? undefined : `weights are given with --weights: ${weights}`)
  );
}
