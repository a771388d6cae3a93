/** The filter's byte code, run and checked as the kernel does (net/ipv4/inet_diag.c). */
import { assert, assertEquals } from "@std/assert";
import { literalEndpoint } from "../../../src/domain/address.ts";
import { type DiagFilter, filterCode } from "../../../src/kernel/sock_diag_filter.ts";

interface Entry {
  readonly local: number;
  readonly remote: number;
  readonly family: 2 | 10;
  readonly address: Uint8Array;
}

const MIN_BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 8, 3: 8, 4: 8, 5: 8 };

/** inet_diag_bc_audit: every jump goes forward, to a place that is reached by `yes` alone, or out. */
function audit(code: Uint8Array): void {
  const view = new DataView(code.buffer);
  const places = new Set<number>();
  for (let at = 0; at < code.length; at += code[at + 1]) places.add(at);
  places.add(code.length);
  for (const at of places) {
    if (at === code.length) continue;
    const least = code[at] === 8 ? 12 + (code[at + 4] === 2 ? 4 : 16) : MIN_BYTES[code[at]];
    const [yes, no] = [code[at + 1], view.getUint16(at + 2, true)];
    const left = code.length - at;
    assert(yes >= least && yes <= left + 4 && yes % 4 === 0, `yes at ${at}`);
    assert(no >= least && no <= left + 4 && no % 4 === 0, `no at ${at}`);
    if (no < left) assert(places.has(at + no), `no at ${at} goes to ${at + no}`);
  }
  assert(places.has(code.length));
}

/** inet_diag_bc_run */
function passes(code: Uint8Array, entry: Entry): boolean {
  const view = new DataView(code.buffer);
  let at = 0;
  while (at < code.length) {
    const yes = holds(code, view, at, entry);
    at += yes ? code[at + 1] : view.getUint16(at + 2, true);
  }
  return at === code.length;
}

function holds(code: Uint8Array, view: DataView, at: number, entry: Entry): boolean {
  const port = at + 8 <= code.length ? view.getUint16(at + 6, true) : 0;
  switch (code[at]) {
    case 1:
      return false;
    case 2:
      return entry.local >= port;
    case 3:
      return entry.local <= port;
    case 4:
      return entry.remote >= port;
    case 5:
      return entry.remote <= port;
    case 8:
      return matches(code, at + 4, entry);
    default:
      throw new Error(`no code ${code[at]}`);
  }
}

function matches(code: Uint8Array, at: number, { family, address }: Entry): boolean {
  const mapped = family === 10 && code[at] === 2 &&
    address.subarray(0, 12).join() === "0,0,0,0,0,0,0,0,0,0,255,255";
  if (code[at] !== family && !mapped) return false;
  const bytes = mapped ? address.subarray(12) : address;
  for (let bit = 0; bit < code[at + 1]; bit++) {
    const differ = bytes[bit >> 3] ^ code[at + 8 + (bit >> 3)];
    if ((differ >> (7 - bit % 8) & 1) === 1) return false;
  }
  return true;
}

const bytesOf = (text: string) => literalEndpoint(text, 0)!.bytes;
const ALL: DiagFilter = { port: null, localPort: null, remotePort: null, remote: null };

function entries(): Entry[] {
  const addresses = ["10.0.0.5", "10.0.1.5", "2001:db8::1", "2001:db9::1", "::ffff:10.0.0.9"];
  return addresses.flatMap((text) => {
    const address = bytesOf(text);
    const family = address.length === 4 ? 2 : 10;
    return [[5432, 40_000], [40_000, 5432], [443, 5433], [5431, 5431]].map(([local, remote]) =>
      ({ local, remote, family, address }) as const
    );
  });
}

Deno.test("nothing asked is no code at all", () => {
  assertEquals(filterCode(ALL).length, 0);
  assertEquals(filterCode({ ...ALL, remote: { bytes: bytesOf("0.0.0.0"), bits: 0 } }).length, 0);
});

Deno.test("the code passes what is asked for and nothing else, and the kernel would take it", () => {
  const remotes = [
    null,
    { bytes: bytesOf("10.0.0.0"), bits: 24 },
    { bytes: bytesOf("2001:db8::"), bits: 32 },
    { bytes: bytesOf("10.0.0.5"), bits: 32 },
  ];
  const within = ({ address, family }: Entry, { bytes, bits }: NonNullable<typeof remotes[1]>) => {
    const own = family === 10 && address[10] === 255 && address[11] === 255
      ? address.slice(12)
      : address;
    if (own.length !== bytes.length) return false;
    const leading = (of: Uint8Array) =>
      [...of].map((byte) => byte.toString(2).padStart(8, "0")).join("").slice(0, bits);
    return leading(own) === leading(bytes);
  };
  for (const remote of remotes) {
    for (const port of [null, 5432]) {
      for (const remotePort of [null, 5432]) {
        for (const localPort of [null, 5432]) {
          const code = filterCode({ port, remotePort, localPort, remote });
          audit(code);
          for (const entry of entries()) {
            const wanted = (port === null || entry.local === port || entry.remote === port) &&
              (remotePort === null || entry.remote === remotePort) &&
              (localPort === null || entry.local === localPort) &&
              (remote === null || within(entry, remote));
            assertEquals(passes(code, entry), wanted);
          }
        }
      }
    }
  }
});
