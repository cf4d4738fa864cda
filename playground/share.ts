import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate";

/** What an address holds. */
export interface Shared {
  readonly text: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly model?: string | undefined;
}

/** Text and settings as the part of an address behind `#`: deflated, in base64url. */
export function toAddress({ text, settings, model }: Shared): string {
  const packed = deflateSync(strToU8(JSON.stringify({ text, settings, model })), { level: 9 });
  const letters = Array.from(packed, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Undefined for what is no such address. */
export function fromAddress(hash: string): Shared | undefined {
  if (hash.length < 2) return undefined;
  try {
    const letters = atob(hash.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
    const packed = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    const { text, settings, model } = JSON.parse(strFromU8(inflateSync(packed))) as Partial<Shared>;
    if (typeof text !== "string") return undefined;
    const given = Object.entries(settings ?? {}).filter(([, value]) => typeof value === "string");
    return { text, settings: Object.fromEntries(given), ...(typeof model === "string" && { model }) };
  } catch {
    return undefined;
  }
}
