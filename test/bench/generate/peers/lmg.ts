// lmg: `lmg.ts FILE THREADS [MODEL.lmg]`.
import { openDecoder, openPublished, packingFor } from "../published.ts";
import { serve } from "./serve.ts";

const [path, threads, file] = process.argv.slice(2);

await serve(async () => {
  const model = openPublished(path!, file);
  const decoder = await openDecoder(model, packingFor(model), Number(threads));
  const session = await decoder.session({ capacity: 1024 });
  const likeliest = async (ids: readonly number[]): Promise<number> => {
    const tokens = { data: Int32Array.from(ids), shape: [1, ids.length] };
    const { data } = (await session.append({ [model.input]: tokens }))[model.output]!;
    let best = 0;
    for (let id = 1; id < data.length; id++) if (data[id]! > data[best]!) best = id;
    return best;
  };
  return {
    clear: () => session.truncate(0),
    tokens: async function* (prompt) {
      for (let token = await likeliest(prompt); ; token = await likeliest([token])) yield token;
    },
  };
});
