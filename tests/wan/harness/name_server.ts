/**
 * A DNS server that knows a few names: `name_server.ts ADDRESS PORT JSON`, JSON being an object from
 * names to `{"PTR": "name"}` or `{"TXT": "text"}`. Prints a line once it listens. Other names do not exist.
 */

import { createSocket } from "node:dgram";

// RFC 1035, sections 3.2.2, 3.2.4 and 4.1.1
const TYPES: Readonly<Record<number, string>> = { 12: "PTR", 16: "TXT" };
const HEADER_BYTES = 12;
const ANSWER = { flags: 0x8580, nameError: 3, classIn: 1, pointerToQuestion: 0xc00c };
const TTL_S = 60;

interface Question {
  readonly name: string;
  readonly type: number;
  readonly end: number;
}

function questionOf(query: Uint8Array): Question {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  while (query[at] !== 0) {
    labels.push(new TextDecoder().decode(query.subarray(at + 1, at + 1 + query[at])));
    at += 1 + query[at];
  }
  return {
    name: labels.join(".").toLowerCase(),
    type: query[at + 1] << 8 | query[at + 2],
    end: at + 5,
  };
}

/** The record's data: a name as labels, a text as one string. */
function dataOf(kind: string, value: string): number[] {
  const encode = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    return [bytes.length, ...bytes];
  };
  return kind === "TXT" ? encode(value) : [...value.split(".").flatMap(encode), 0];
}

function replyTo(query: Uint8Array, zone: Record<string, Record<string, string>>): Uint8Array {
  const { name, type, end } = questionOf(query);
  const value = zone[name]?.[TYPES[type]];
  const data = value === undefined ? [] : dataOf(TYPES[type], value);
  const answer = value === undefined ? 0 : HEADER_BYTES + data.length;
  const reply = new Uint8Array(end + answer);
  reply.set(query.subarray(0, end));
  const view = new DataView(reply.buffer);
  view.setUint16(2, ANSWER.flags | (zone[name] === undefined ? ANSWER.nameError : 0));
  view.setUint16(6, value === undefined ? 0 : 1);
  view.setUint16(8, 0);
  view.setUint16(10, 0);
  if (value === undefined) return reply;
  view.setUint16(end, ANSWER.pointerToQuestion);
  view.setUint16(end + 2, type);
  view.setUint16(end + 4, ANSWER.classIn);
  view.setUint32(end + 6, TTL_S);
  view.setUint16(end + 10, data.length);
  reply.set(data, end + 12);
  return reply;
}

function main([address, port, json]: string[]): void {
  const zone = JSON.parse(json);
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("message", (query, from) => {
    socket.send(replyTo(query, zone), from.port, from.address);
  });
  socket.bind(Number(port), address, () => console.log("ready"));
}

main(Deno.args);
