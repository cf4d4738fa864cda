/** What the first embedding is made of. */
const FIRST = "The first sentence that a page embeds.";

/**
 * Makes an embedder of so many threads, as the page's address says, and offers the driver of the bench `window.embedder`:
 * `first`, the elements of its first embedding and the milliseconds from the navigation until it was there, `embed(text)`, and `time(texts, ms)`,
 * the milliseconds of one embedding among so many milliseconds of them, at least one of each text.
 */
export async function offer(open) {
  const threads = Number(new URLSearchParams(location.search).get("threads"));
  const embed = await open(threads);
  const elements = [...(await embed(FIRST))];
  window.embedder = {
    first: { ms: performance.now(), elements },
    embed: async (text) => [...(await embed(text))],
    time: async (texts, ms) => {
      let rounds = 0;
      const start = performance.now();
      do {
        for (const text of texts) await embed(text);
        rounds++;
      } while (performance.now() - start < ms);
      return (performance.now() - start) / rounds / texts.length;
    },
  };
}
