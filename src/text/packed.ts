/**
 * Packed text: deflated (RFC 1951), less than half of its size. For what few runs need: script and style of the
 * heatmap page, and modules of the compiled program.
 *
 * Web streams do it, not node:zlib, which takes the newest runtime 25 ms to load.
 *
 * @example
 * ```ts
 * await unpacked(await packed("the same text")); // "the same text"
 * ```
 */

/** Any text, packed. Another version of the runtime may deflate the same text to other bytes. */
export async function packed(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = ReadableStream.from([new TextEncoder().encode(text)]);
  const deflated = new Response(bytes.pipeThrough(new CompressionStream("deflate-raw")));
  return new Uint8Array(await deflated.arrayBuffer());
}

/** The text that was packed. Throws TypeError for what is not deflated; a cut one is not noticed. */
export async function unpacked(packed: Uint8Array<ArrayBuffer>): Promise<string> {
  const pieces = ReadableStream.from([packed])
    .pipeThrough(new DecompressionStream("deflate-raw"))
    .pipeThrough(new TextDecoderStream());
  return (await Array.fromAsync(pieces)).join("");
}
