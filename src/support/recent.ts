/**
 * Values by text, of which those asked for last are kept: as many as their texts have characters for, up to twice that. What is still
 * asked for stays when the rest is let go.
 */
export class Recent<T> {
  readonly #room: number;
  #held = 0;
  #now = new Map<string, T>();
  #before: ReadonlyMap<string, T> = new Map();

  /** @param room characters of texts until values that were not asked for since are let go */
  constructor(room: number) {
    this.#room = room;
  }

  get(text: string): T | undefined {
    const there = this.#now.get(text);
    if (there !== undefined) return there;
    const before = this.#before.get(text);
    if (before !== undefined) this.set(text, before);
    return before;
  }

  set(text: string, value: T): void {
    if (text.length > this.#room) return;
    if (this.#held + text.length > this.#room) {
      this.#before = this.#now;
      this.#now = new Map();
      this.#held = 0;
    }
    this.#now.set(text, value);
    this.#held += text.length;
  }

  /** Lets all of them go. */
  clear(): void {
    this.#now = new Map();
    this.#before = new Map();
    this.#held = 0;
  }
}
