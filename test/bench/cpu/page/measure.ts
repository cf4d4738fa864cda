import type { BrowserContext } from "playwright-core";
import type { Contender } from "../engines.ts";
import { heldToFirst, inTurns, type Effort, type Measured } from "../measure.ts";
import { openTab, type Tab } from "./tabs.ts";

/** Visits that are not counted: the first fills caches, and a browser keeps compiled code of what it sees again. */
const VISITS = 3;

/** From the navigation to the first embedding, each time in a page of its own. */
export async function measureFirst(
  context: BrowserContext,
  url: string,
  contenders: readonly Contender[],
  { rounds }: Pick<Effort, "rounds">,
): Promise<readonly Measured[]> {
  const visit = async (contender: Contender): Promise<Tab["first"]> => {
    const { first, close } = await openTab(context, url, contender);
    await close();
    return first;
  };
  const results = new Map<Contender, Float32Array>();
  for (const contender of contenders)
    for (let turn = 0; turn < VISITS; turn++) results.set(contender, (await visit(contender)).elements);
  return heldToFirst(results, await inTurns(contenders, rounds, visit));
}

/** From a text to its embedding, in pages that are open. */
export async function measureTexts(
  texts: readonly string[],
  tabs: ReadonlyMap<Contender, Tab>,
  { rounds, ms }: Effort,
): Promise<readonly Measured[]> {
  const results = new Map<Contender, Float32Array>();
  for (const [contender, tab] of tabs) results.set(contender, await embeddingsOf(texts, tab));
  const take = async (contender: Contender) => ({ ms: await tabs.get(contender)!.time(texts, ms) });
  return heldToFirst(results, await inTurns([...tabs.keys()], rounds, take));
}

/** The embeddings of all texts, one after another. */
async function embeddingsOf(texts: readonly string[], { embed }: Tab): Promise<Float32Array> {
  const all = [];
  for (const text of texts) all.push(...(await embed(text)));
  return Float32Array.from(all);
}
