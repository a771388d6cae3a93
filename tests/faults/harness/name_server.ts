/**
 * A DNS server by script: `name_server.ts ADDRESS FILE`, the file being a JSON object from names to an
 * IPv4 address, "NXDOMAIN", "SERVFAIL", "REFUSED", "EMPTY", "TRUNCATED" or "SILENT"; `*` stands for all other names. It is read again for
 * each query. Prints a line once it listens.
 */
import { createSocket } from "node:dgram";

// RFC 1035, sections 3.2.2, 4.1.1
const HEADER_BYTES = 12;
const TYPE_A = 1;
const RESPONSE = 0x8180;
const CODES: Readonly<Record<string, number>> = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
/** Without an address; a truncated one is not to be had by TCP either. */
const ADDRESSLESS: Readonly<Record<string, number>> = { EMPTY: 0, TRUNCATED: 0x200 };
const POINTER_TO_QUESTION = 0xc00c;

function replyTo(query: Uint8Array, zone: Record<string, string>): Uint8Array | null {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  while (query[at] !== 0) {
    labels.push(new TextDecoder().decode(query.subarray(at + 1, at + 1 + query[at])));
    at += 1 + query[at];
  }
  const end = at + 5;
  const what = zone[labels.join(".").toLowerCase()] ?? zone["*"] ?? "NXDOMAIN";
  if (what === "SILENT") return null;
  const flags = CODES[what] ?? ADDRESSLESS[what] ?? 0;
  const named = !(what in CODES) && !(what in ADDRESSLESS);
  const address = named && (query[at + 1] << 8 | query[at + 2]) === TYPE_A;
  const reply = new Uint8Array(end + (address ? 16 : 0));
  reply.set(query.subarray(0, end));
  const view = new DataView(reply.buffer);
  view.setUint16(2, RESPONSE | flags);
  view.setUint16(6, address ? 1 : 0);
  view.setUint32(8, 0);
  if (!address) return reply;
  view.setUint16(end, POINTER_TO_QUESTION);
  view.setUint16(end + 2, TYPE_A);
  view.setUint16(end + 4, 1);
  view.setUint32(end + 6, 1);
  view.setUint16(end + 10, 4);
  reply.set(what.split(".").map(Number), end + 12);
  return reply;
}

const [address, file] = Deno.args;
const socket = createSocket("udp4");
socket.on("message", (query: Uint8Array, from: { address: string; port: number }) => {
  const reply = replyTo(query, JSON.parse(Deno.readTextFileSync(file)));
  if (reply !== null) socket.send(reply, from.port, from.address);
});
socket.bind(53, address, () => console.log("ready"));
