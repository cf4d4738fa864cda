// What a page's author writes around lmg's module of a BERT: its published weights and tokenizer, the mean of the hidden states.
import { findTokenizer, orThrow } from "lmg/run";
import { offer } from "./offer.js";

/** A file of the server: out of the page's cache, where its first visit put it. */
async function cached(path) {
  const cache = await caches.open("lmg");
  const known = await cache.match(path);
  if (known !== undefined) return known;
  const response = await fetch(path);
  await cache.put(path, response.clone());
  return response;
}

const jsonOf = async (path) => (await cached(path)).json();

/** The mean of the rows of [1, T, D], of length 1. */
function meanOfRows({ data, shape: [, rows, width] }) {
  const sum = new Float32Array(width);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < width; column++) sum[column] += data[row * width + column];
  const length = Math.hypot(...sum);
  return sum.map((each) => each / length);
}

await offer(async (threads) => {
  const [{ loadSafetensors }, weights, file, config] = await Promise.all([
    import("./model.js"),
    cached("published/model.safetensors").then((response) => response.arrayBuffer()),
    jsonOf("published/tokenizer.json"),
    jsonOf("published/tokenizer_config.json"),
  ]);
  const files = { "tokenizer.json": file, "tokenizer_config.json": config };
  const tokenizer = orThrow(findTokenizer((name) => files[name]));
  const model = await loadSafetensors(weights, { threads });
  return async (text) => {
    const ids = orThrow(tokenizer.encode(text));
    const { hidden_states } = await model.run({ input_ids: { data: ids, shape: [1, ids.length] } });
    return meanOfRows(hidden_states);
  };
});
