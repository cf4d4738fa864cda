/** The answer for a file of a folder. */
async function fetched(address: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw new Error(
      `${address} cannot be fetched: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
  if (!response.ok)
    throw new Error(
      `${address} cannot be fetched: ${response.status} ${response.statusText}; the folder is to be served as \`lmg compile --generate\` wrote it`,
    );
  return response;
}

export const fetchText = async (address: string): Promise<string> => (await fetched(address)).text();

export async function fetchJson<Value>(address: string): Promise<Value> {
  const text = await fetchText(address);
  try {
    return JSON.parse(text) as Value;
  } catch {
    throw new Error(`${address} is not JSON: it begins with ${JSON.stringify(text.slice(0, 40))}`);
  }
}

/** A file of a known size, in one piece of memory; told after each part of it how much is there. */
export async function fetchBytes(
  address: string,
  size: number,
  onProgress: (loaded: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const { body } = await fetched(address);
  const bytes = new Uint8Array(size);
  let length = 0;
  if (body === null) throw unlike(address, 0, size);
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (length + value.length > size) throw unlike(address, length + value.length, size);
    bytes.set(value, length);
    length += value.length;
    onProgress(length);
  }
  if (length < size) throw unlike(address, length, size);
  return bytes;
}

const unlike = (address: string, found: number, size: number): Error =>
  new Error(
    `${address} has ${found > size ? "more than " : ""}${Math.min(found, size)} bytes, not ${size}: it is not the file that was compiled with the model`,
  );
