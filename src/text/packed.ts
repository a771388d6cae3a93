/**
 * Packed text: deflated (RFC 1951) and in base64 (RFC 4648), so that it can stand in a source with less
 * than half of its characters. For what few runs need: script and style of the heatmap page, and
 * modules of the compiled program.
 *
 * Web streams do it, not node:zlib, which takes the newest runtime 25 ms to load.
 *
 * @example
 * ```ts
 * await unpacked(await packed("the same text")); // "the same text"
 * ```
 */

/** Any text, packed. Another version of the runtime may deflate the same text to other bytes. */
export async function packed(text: string): Promise<string> {
  const bytes = ReadableStream.from([new TextEncoder().encode(text)]);
  const deflated = new Response(bytes.pipeThrough(new CompressionStream("deflate-raw")));
  return new Uint8Array(await deflated.arrayBuffer()).toBase64();
}

/** The text that was packed. Throws for what is no base64 or no deflated text; a cut one is not noticed. */
export async function unpacked(packed: string): Promise<string> {
  const bytes = ReadableStream.from([Uint8Array.fromBase64(packed)])
    .pipeThrough(new DecompressionStream("deflate-raw"))
    .pipeThrough(new TextDecoderStream());
  const pieces = await Array.fromAsync(bytes);
  return pieces.join("");
}
