/** blackbox_exporter, and who asks it: `/probe` over a few connections that are kept, at a rate. */
import { cpuSecondsOf, sleep } from "../child.ts";
import { type PeerSays, readBlackbox } from "./peer_output.ts";
import { quantile } from "../../../src/stats/quantile.ts";
import { MemoryWatch } from "./watched.ts";

export const BLACKBOX = "prometheus-blackbox-exporter";
/** Its usual one; the namespace is ours alone. */
const PORT = 9115;
const CONFIG = "modules:\n  tcp_connect:\n    prober: tcp\n    timeout: 5s\n";
/** As many questions may be under way; more make it no faster on the machines tried. */
const CONNECTIONS = 32;
const START_TRIALS = 100;
const START_PAUSE_MS = 50;
/** An answer has about 1,100 bytes. */
const MOST_ANSWER_BYTES = 16_384;

interface Asked {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly seconds: number;
  readonly folder: string;
}

export interface BlackboxRun {
  readonly says: PeerSays;
  /** Of the exporter alone. */
  readonly cpuSeconds: number;
  readonly residentPeak: number;
  readonly elapsedSeconds: number;
}

/** Starts an exporter, asks it for each address once a second, and ends it. */
export async function probeByBlackbox(work: Asked): Promise<BlackboxRun> {
  const config = `${work.folder}/blackbox.yml`;
  await Deno.writeTextFile(config, CONFIG);
  const exporter = new Deno.Command(BLACKBOX, {
    args: [
      `--config.file=${config}`,
      `--web.listen-address=127.0.0.1:${PORT}`,
      "--log.level=error",
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await started();
    const memory = new MemoryWatch(exporter.pid);
    const startMs = performance.now();
    const cpuBefore = await cpuSecondsOf(exporter.pid);
    const says = await ask(work);
    const cpuSeconds = await cpuSecondsOf(exporter.pid) - cpuBefore;
    const elapsedSeconds = (performance.now() - startMs) / 1000;
    return { says, cpuSeconds, elapsedSeconds, residentPeak: memory.stop().residentPeak };
  } finally {
    exporter.kill("SIGKILL");
    await exporter.status;
  }
}

async function started(): Promise<void> {
  for (let trial = 0; trial < START_TRIALS; trial++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port: PORT })).close();
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await sleep(START_PAUSE_MS);
    }
  }
  throw new Error(`${BLACKBOX} does not listen on port ${PORT}`);
}

/** Each question is due at its own time; where answers are late, so are the next questions. */
async function ask({ addresses, port, seconds }: Asked): Promise<PeerSays> {
  const due = addresses.length * seconds;
  const spacingMs = 1000 / addresses.length;
  const startMs = performance.now();
  const durationsUs: number[] = [];
  let next = 0;
  let sent = 0;
  const connection = async () => {
    using exporter = new KeptConnection(
      await Deno.connect({ hostname: "127.0.0.1", port: PORT }),
    );
    while (next < due) {
      const mine = next++;
      const waitMs = startMs + mine * spacingMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      if (performance.now() - startMs > seconds * 1000) return;
      sent++;
      const target = `${addresses[mine % addresses.length]}:${port}`;
      const durationUs = readBlackbox(
        await exporter.get(`/probe?module=tcp_connect&target=${target}`),
      );
      if (durationUs !== null) durationsUs.push(durationUs);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return { sent, answered: durationsUs.length, rttP50Us: quantile(durationsUs, 0.5) };
}

/** HTTP/1.1 as far as this exporter speaks it: every answer has a Content-Length. */
class KeptConnection implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(MOST_ANSWER_BYTES);
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** The answer, head and body. */
  async get(path: string): Promise<string> {
    const question = this.#encoder.encode(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await this.#conn.write(question);
    let length = 0;
    while (true) {
      const read = await this.#conn.read(this.#buffer.subarray(length));
      if (read === null) throw new Error(`${BLACKBOX} closed a connection`);
      if (read === 0) throw new Error(`${BLACKBOX} answers at too great a length`);
      length += read;
      const text = this.#decoder.decode(this.#buffer.subarray(0, length));
      if (isWhole(text)) return text;
    }
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

/** The exporter's metrics are ASCII: characters are bytes. */
export function isWhole(answer: string): boolean {
  const headLength = answer.indexOf("\r\n\r\n") + 4;
  if (headLength < 4) return false;
  const bodyLength = /^content-length: (\d+)\r$/im.exec(answer.slice(0, headLength))?.[1];
  if (bodyLength === undefined) throw new Error(`${BLACKBOX} does not say how long its answer is`);
  return answer.length >= headLength + Number(bodyLength);
}
