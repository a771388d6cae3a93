/**
 * A DNS server for a few names: `name_server.ts ADDRESS PORT JSON`. JSON is an object from names to
 * `{"PTR": "name"}`, `{"TXT": "text"}`, `{"A": "1.2.3.4"}` or `{"SRV": "port name"}`; several
 * records of the last two are separated by commas. `@FILE` is read at each question. Other names do
 * not exist. It prints a line once it listens.
 */

import { createSocket } from "node:dgram";

// RFC 1035, sections 3.2.2, 3.2.4 and 4.1.1; RFC 2782 for SRV
const TYPES: Readonly<Record<number, string>> = { 1: "A", 12: "PTR", 16: "TXT", 33: "SRV" };
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
  const name = (text: string) => [...text.split(".").flatMap(encode), 0];
  if (kind === "TXT") return encode(value);
  if (kind === "A") return value.split(".").map(Number);
  if (kind === "PTR") return name(value);
  const [port, target] = value.split(" ");
  // Priority and weight, then the port.
  return [0, 1, 0, 1, Number(port) >> 8, Number(port) & 255, ...name(target)];
}

function replyTo(query: Uint8Array, zone: Record<string, Record<string, string>>): Uint8Array {
  const { name, type, end } = questionOf(query);
  const kind = TYPES[type];
  const value = zone[name]?.[kind];
  const several = kind === "A" || kind === "SRV";
  const values = value === undefined ? [] : several ? value.split(",") : [value];
  const records = values.map((each) => recordOf(type, dataOf(kind, each)));
  const reply = Uint8Array.from([...query.subarray(0, end), ...records.flat()]);
  const view = new DataView(reply.buffer);
  view.setUint16(2, ANSWER.flags | (zone[name] === undefined ? ANSWER.nameError : 0));
  view.setUint16(6, records.length);
  view.setUint32(8, 0);
  return reply;
}

/** A record for the question's name. */
function recordOf(type: number, data: readonly number[]): number[] {
  const head = new DataView(new ArrayBuffer(12));
  head.setUint16(0, ANSWER.pointerToQuestion);
  head.setUint16(2, type);
  head.setUint16(4, ANSWER.classIn);
  head.setUint32(6, TTL_S);
  head.setUint16(10, data.length);
  return [...new Uint8Array(head.buffer), ...data];
}

function main([address, port, json]: string[]): void {
  const zone = () => JSON.parse(json.startsWith("@") ? Deno.readTextFileSync(json.slice(1)) : json);
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("message", (query, from) => {
    socket.send(replyTo(query, zone()), from.port, from.address);
  });
  socket.bind(Number(port), address, () => console.log("ready"));
}

main(Deno.args);
