/** FNV-1a over the characters of a text, 32 bits; another beginning gives another hash. */
export function hashText(text: string, begin = 0x811c9dc5): number {
  let hash = begin;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
