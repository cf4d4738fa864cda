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

/**
 * A file of a known size, told after each part of it how much is there: as a Blob, which browsers keep beside the memory of a
 * page, so that no more of the file is there twice than is read at a time.
 */
export async function fetchBlob(
  address: string,
  size: number,
  onProgress: (loaded: number) => void,
): Promise<Blob> {
  const { body } = await fetched(address);
  if (body === null) throw unlike(address, 0, size);
  let length = 0;
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (chunk, control) => {
        length += chunk.length;
        if (length > size) control.terminate();
        else {
          onProgress(length);
          control.enqueue(chunk);
        }
      },
    }),
  );
  const blob = await new Response(counted).blob();
  if (length !== size) throw unlike(address, length, size);
  return blob;
}

const unlike = (address: string, found: number, size: number): Error =>
  new Error(
    `${address} has ${found > size ? "more than " : ""}${Math.min(found, size)} bytes, not ${size}: it is not the file that was compiled with the model`,
  );
