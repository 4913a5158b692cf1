/**
 * Everything that `source` holds.
 *
 * @throws TooManyBytesError as soon as there are more than `maxBytes`: an endless source ends there.
 */
export async function readBytes(source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > maxBytes) throw new TooManyBytesError();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export class TooManyBytesError extends Error {
  override readonly name = 'TooManyBytesError';
}
