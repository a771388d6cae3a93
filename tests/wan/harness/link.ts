/** The test network's links: a process of its own that joins TUN devices with exact delays; requests on stdin, answers on stdout. */

import { type CaptureRing, Rings } from "./capture.ts";
import { openDevice } from "./device.ts";
import { Engine } from "./engine.ts";
import {
  becomeRealtime,
  cString,
  libc,
  O_CLOEXEC,
  O_CREAT,
  O_TRUNC,
  O_WRONLY,
  socketPair,
} from "./libc.ts";
import type { Command, DumpInfo, Hello, Reply, Request } from "./protocol.ts";
import { warmUp } from "./warm_up.ts";

const STDIN = 0;
const STDOUT = 1;
const REQUEST_BYTES_MAX = 64 * 1024;
const PRIORITY = 20;
const CPU_WITHOUT_BLOCKING_MAX_US = 2_000_000;

const rings = new Rings();

function perform(engine: Engine, command: Command): unknown {
  if (command.do === "link") {
    const a = openDevice(command.a.namespace, command.a.device);
    return engine.join(a, openDevice(command.b.namespace, command.b.device));
  }
  if (command.do === "reset") {
    for (const [way] of engine.links) rings.giveBack(way.capture);
    engine.reset();
    return null;
  }
  const ways = engine.links[command.link];
  switch (command.do) {
    case "set":
      ways[command.direction].set(command.rules);
      return null;
    case "counters":
      return ways.map((way) => way.counters());
    case "capture": {
      const before = ways[0].capture;
      engine.record(command.link, command.packets > 0 ? rings.take(command.packets) : null);
      rings.giveBack(before);
      return null;
    }
    case "dump": {
      if (ways[0].capture === null) throw new Error("no capture was begun");
      return dump(ways[0].capture, command.path, engine.epochUs);
    }
    default:
      return command satisfies never;
  }
}

function dump(ring: CaptureRing, path: string, epochUs: number): DumpInfo {
  const fd = libc.open(cString(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600);
  const written = libc.write(fd, ring.bytes, ring.bytes.length);
  libc.close(fd);
  if (written !== ring.bytes.length) throw new Error(`cannot write ${path}`);
  return { total: ring.total, capacity: ring.capacity, epochUs };
}

/** Reads requests from one descriptor, answers on another. */
class Desk {
  open = true;
  fdIn = STDIN;
  fdOut = STDOUT;
  readonly #input = new Uint8Array(REQUEST_BYTES_MAX);
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  #unfinished = "";

  say(line: Hello | Reply): void {
    const bytes = this.#encoder.encode(JSON.stringify(line) + "\n");
    libc.write(this.fdOut, bytes, bytes.length);
  }

  /** Answers every whole line that has come. */
  serve(engine: Engine): void {
    const length = libc.read(this.fdIn, this.#input, this.#input.length);
    // The tests' process is gone, or wants no more.
    if (length <= 0) this.open = false;
    const lines =
      (this.#unfinished + this.#decoder.decode(this.#input.subarray(0, Math.max(0, length)))).split(
        "\n",
      );
    this.#unfinished = lines.pop() ?? "";
    for (const line of lines) {
      const request: Request = JSON.parse(line);
      try {
        this.say({ id: request.id, value: perform(engine, request) });
      } catch (error) {
        this.say({ id: request.id, error: String(error) });
      }
    }
  }
}

function main(): void {
  const desk = new Desk();
  const engine = new Engine(() => desk.serve(engine));
  const [tests, here] = socketPair();
  desk.fdIn = desk.fdOut = here;
  engine.listen(here);
  warmUp(engine, tests);
  libc.close(tests);
  libc.close(here);
  desk.fdIn = STDIN;
  desk.fdOut = STDOUT;
  engine.listen(STDIN);
  desk.say({ realtime: becomeRealtime(PRIORITY, CPU_WITHOUT_BLOCKING_MAX_US) });
  while (desk.open) engine.step();
  // Deno's own way out makes threads, which the locked memory may forbid.
  libc._exit(0);
}

main();
