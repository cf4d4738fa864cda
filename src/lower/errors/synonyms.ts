/** What other libraries call a layer, a parameter or an initializer, without case and underscores; here it is another word. */
const synonyms: ReadonlyMap<string, string> = new Map(
  Object.entries({
    activation: "act",
    base: "theta",
    bmm: "matmul",
    cat: "concat",
    concatenate: "concat",
    conv: "conv2d",
    crossentropyloss: "cross_entropy",
    dense: "linear",
    dff: "hidden",
    dim: "axis",
    dimfeedforward: "hidden",
    dims: "axes",
    dropoutp: "dropout",
    embed: "embedding",
    epsilon: "eps",
    fc: "linear",
    feedforward: "ffn",
    glorot: "xavier",
    inner: "hidden",
    intermediatesize: "hidden",
    kaiming: "he",
    kaimingnormal: "he",
    kaiminguniform: "he",
    keepdim: "keep",
    keepdims: "keep",
    kernelsize: "kernel",
    maskedfill: "where",
    mha: "attention",
    mixtureofexperts: "moe",
    mlp: "ffn",
    mm: "matmul",
    mse: "mean_squared_error",
    mseloss: "mean_squared_error",
    multiheadattention: "attention",
    nhead: "heads",
    normalize: "l2norm",
    outchannels: "n",
    outfeatures: "n",
    p: "rate",
    rotary: "rope",
    rotaryembedding: "rope",
    scaleddotproductattention: "attend",
    sdpa: "attend",
    selfattention: "attention",
    swapaxes: "transpose",
    swish: "silu",
    units: "n",
    view: "reshape",
  }),
);

/** Without case and underscores: `LayerNorm`, `layer_norm` and `layernorm` are one word. */
const plain = (word: string): string => word.toLowerCase().replaceAll("_", "");

/** The candidate that another library calls `word`, or that is the same word or a part of it: `num_heads` for `heads`. */
export function sameWord(word: string, candidates: readonly string[]): string | undefined {
  const spelt = candidates.find((candidate) => plain(candidate) === plain(word));
  if (spelt !== undefined) return spelt;
  const known = synonyms.get(plain(word));
  if (known !== undefined && candidates.includes(known)) return known;
  const parts = word.toLowerCase().split("_");
  return parts.length === 1
    ? undefined
    : parts.findLast((part) => part.length > 1 && candidates.includes(part));
}
