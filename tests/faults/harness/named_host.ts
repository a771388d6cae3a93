/** A host with name servers of its own, for the system's real resolver, and no way out. */
import { BINARY } from "../../wan/binary.ts";
import { type Host, Network } from "../../wan/harness/network.ts";
import { Program } from "./program.ts";

const SERVER = new URL("name_server.ts", import.meta.url).pathname;
/** The name server that answers, and one that nobody runs. */
export const NAME_SERVER = "127.0.0.53";
/** The port of the responder on 127.0.0.1. */
export const PORT = 9999;

/** What the name server says of names: an address, or a word of name_server.ts. */
export type Zone = Readonly<Record<string, string>>;

export class NamedHost implements AsyncDisposable {
  readonly #network: Network;
  readonly #host: Host;
  readonly #zoneFile: string;

  private constructor(network: Network, host: Host, zoneFile: string) {
    this.#network = network;
    this.#host = host;
    this.#zoneFile = zoneFile;
  }

  static async open(zone: Zone, hosts = ""): Promise<NamedHost> {
    const network = await Network.create();
    const host = await network.host("named");
    const zoneFile = await Deno.makeTempFile({ prefix: "wire-probe-zone-" });
    const self = new NamedHost(network, host, zoneFile);
    await self.say(zone);
    await host.etc("resolv.conf", `nameserver ${NAME_SERVER}\n`);
    await host.etc("hosts", `127.0.0.1 localhost\n${hosts}`);
    await host.etc("nsswitch.conf", "hosts: files dns\n");
    const server = host.exec(Deno.execPath(), ["run", "-A", SERVER, NAME_SERVER, zoneFile]);
    await firstLine(server.stdout);
    await server.stderr.cancel();
    const responder = host.exec(BINARY, ["serve", "--bind", "127.0.0.1"]);
    await firstLine(responder.stderr);
    await responder.stdout.cancel();
    return self;
  }

  /** What the name server says from now on. */
  async say(zone: Zone): Promise<void> {
    // Replaced at once: the server never reads half of it.
    await Deno.writeTextFile(`${this.#zoneFile}.new`, JSON.stringify(zone));
    await Deno.rename(`${this.#zoneFile}.new`, this.#zoneFile);
  }

  /** What processes started from now on have as resolv.conf. */
  async resolvConf(text: string): Promise<void> {
    await this.#host.etc("resolv.conf", text);
  }

  start(...args: readonly string[]): Program {
    return new Program(this.#host.exec(BINARY, [...args]));
  }

  /** Starts the program with so many descriptors at most. */
  limited(descriptors: number, ...args: readonly string[]): Program {
    const script = `ulimit -n ${descriptors}; exec "$0" "$@"`;
    return new Program(this.#host.exec("sh", ["-c", script, BINARY, ...args]));
  }

  /** Runs a script of the runtime's on this host. */
  script(code: string): Program {
    return new Program(this.#host.exec(Deno.execPath(), ["eval", code]));
  }

  /** Prints "ready", then what arrives by UDP at an address of this host. */
  receiveUdp(address: string, port: number): Program {
    const script = `const {createSocket} = await import("node:dgram");
      const socket = createSocket("udp4");
      socket.on("message", (bytes) => console.log(new TextDecoder().decode(bytes)));
      socket.bind(${port}, "${address}", () => console.log("ready"));`;
    return this.script(script);
  }

  /** Prints "ready", then the path of each request at an address of this host, and is content with it. */
  receiveHttp(address: string, port: number): Program {
    const onListen = 'onListen: () => console.log("ready")';
    const place = `{ hostname: "${address}", port: ${port}, ${onListen} }`;
    const script = `Deno.serve(${place}, async (request) => {
      await request.arrayBuffer();
      console.log(new URL(request.url).pathname);
      return new Response();
    });`;
    return this.script(script);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
    await Deno.remove(this.#zoneFile);
  }
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
}
