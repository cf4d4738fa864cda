// lmg in a page, as `lmg compile --generate` writes it: offers the driver `window.contender`. Its threads stand in the page's address.
import { load } from "./lmg/index.js";

const threads = Number(new URLSearchParams(location.search).get("threads"));
const model = await load("lmg/", { threads, target: "wasm" });

window.contender = {
  threads: model.threads,
  /** Reads a prompt anew, and goes on with the likeliest token, so many times. */
  generate: async (prompt, count) => {
    // A prompt that begins as the text before did is not read again.
    await model.generate("-", { maxTokens: 1 }).result;
    const { result } = model.generate(prompt, { maxTokens: count, temperature: 0, stopTokens: [] });
    const { text, prompt: length, tokens, firstToken, rate } = await result;
    return {
      text,
      timings: {
        prompt_n: length,
        prompt_ms: firstToken,
        predicted_ms: (1000 * (tokens.length - 1)) / rate,
      },
    };
  },
};
