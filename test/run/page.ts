import { compile } from "../../src/compile.ts";
import {
  compareTargets,
  generateTokens,
  openEngine,
  orThrow,
  randomWeights,
  textSource,
  type TargetName,
} from "../../src/run/index.ts";
import { hostTensor } from "../../src/tensor/host.ts";

const text = `model tiny(vocab = 11, dim = 8, ctx = 12) {
  input tokens: i32[B, T <= ctx]
  wte: embedding(vocab, dim)
  residual pre ln: layernorm { attn: attention(2, causal: true, rope: rope) }
  ln_f: layernorm
  unembed(wte)
  output logits: f32[B, T, vocab]
}
`;

/** Runs a model with nothing but the library, as a page does it: a sampled text, and how far its steps are from the interpreter's. */
export async function runSome(
  target: TargetName,
): Promise<{ readonly tokens: readonly number[]; readonly largest: number }> {
  const { model, graph, plan } = compile({ name: "tiny.lmg", text });
  const weights = randomWeights(model!.graph, 1);
  const engine = orThrow(await openEngine(target, plan!, weights));
  const tokens: number[] = [];
  const source = orThrow(textSource({ graph: model!.graph, engine }, [1, 2]));
  const sampling = { maxTokens: 8, temperature: 1, seed: 5 };
  for await (const id of generateTokens(source, [1, 2], sampling)) tokens.push(id);
  engine.close();
  const inputs = new Map([["tokens", hostTensor("i32", [1, 5], [3, 1, 4, 1, 5])]]);
  const [comparison] = orThrow(
    await compareTargets([target], { graph: graph!, plan: plan! }, weights, inputs),
  );
  const largest = Math.max(...comparison!.differences.map(({ relative }) => relative));
  return { tokens: [1, 2, ...tokens], largest };
}
