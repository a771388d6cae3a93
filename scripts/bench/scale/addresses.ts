/** The addresses that are probed: many of 127.0.0.0/16 that answer, some of a /16 that never do. */

/** So many a row, 1 to 250 in the last octet: no address ends in 0 or 255. */
const A_ROW = 250;
const ROWS = 256;
export const MOST_TARGETS = A_ROW * ROWS;
const ANSWERING = "127.0";
/** Half of the block for benchmarks of networks (RFC 2544, RFC 6890), so nobody's address. */
const SILENT = "198.18";
export const SILENT_NETWORK = `${SILENT}.0.0/16`;
/** An address of the probing side there, without which the kernel has none to send from. */
export const SILENT_SOURCE = `${SILENT}.255.254/32`;
/** One in so many targets is silent where some are. */
export const SILENT_SHARE = 10;

export function isSilent(address: string): boolean {
  return address.startsWith(`${SILENT}.`);
}

/** The first so many addresses that answer. */
export function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => address(ANSWERING, i));
}

/** The same, but every tenth target is an address in the silent network instead. */
export function partlySilent(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const silent = i % SILENT_SHARE === SILENT_SHARE - 1;
    return address(silent ? SILENT : ANSWERING, i);
  });
}

function address(network: string, i: number): string {
  return `${network}.${Math.floor(i / A_ROW)}.${1 + i % A_ROW}`;
}

/** The first so many addresses that answer, as octet ranges: `127.0.0-3.1-250`. */
export function ranges(count: number): string[] {
  const rows = Math.floor(count / A_ROW);
  const rest = count % A_ROW;
  const words: string[] = [];
  if (rows > 0) words.push(`${ANSWERING}.0${rows > 1 ? `-${rows - 1}` : ""}.1-${A_ROW}`);
  if (rest > 0) words.push(`${ANSWERING}.${rows}.1${rest > 1 ? `-${rest}` : ""}`);
  return words;
}
