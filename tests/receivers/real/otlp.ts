/** A receiver of OTLP/HTTP whose requests are decoded by OpenTelemetry's own code for JavaScript. */
import { Folder } from "./receiver.ts";

/** The last version that has the decoders, and what the file with them must be. */
const PACKAGES = ["@opentelemetry/otlp-transformer@0.57.2", "protobufjs@7.4.0"];
const DECODERS = "node_modules/@opentelemetry/otlp-transformer/build/src/generated/root.js";
const SHA256 = "5bf7744739ab4f7a51d50685ae866e7f96d49d19c6fb30bd80769eff5bbe17e1";

export interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}

export interface DataPoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asInt?: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}

export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit?: string;
  readonly gauge?: { readonly dataPoints: readonly DataPoint[] };
  readonly sum?: {
    readonly dataPoints: readonly DataPoint[];
    readonly aggregationTemporality: string;
    readonly isMonotonic?: boolean;
  };
  readonly histogram?: {
    readonly dataPoints: readonly DataPoint[];
    readonly aggregationTemporality: string;
  };
}

export interface ResourceMetrics {
  readonly resource: { readonly attributes: readonly KeyValue[] };
  readonly scopeMetrics: readonly {
    readonly scope: { readonly name: string; readonly version: string };
    readonly metrics: readonly Metric[];
  }[];
  readonly schemaUrl: string;
}

/** Runs in Node: the decoders are CommonJS. */
const PROGRAM = `const { opentelemetry } = require(process.argv[1]);
const type = opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
const message = type.decode(require("fs").readFileSync(0));
console.log(JSON.stringify(type.toObject(message, { longs: String, enums: String })));`;

/** Decodes an ExportMetricsServiceRequest; throws when it is none. */
export type Decode = (bytes: Uint8Array) => Promise<readonly ResourceMetrics[]>;

/** Why the decoder cannot be had here, or null: it is fetched only where the gate may fetch things. */
export function withoutDecoder(): string | null {
  return Deno.env.get("WIRE_PROBE_COMPLETE") === "1" ? null : "--install fetches OTLP's decoder";
}

/** Fetches the decoder into the folder. */
export async function fetchDecoder(folder: Folder): Promise<Decode> {
  const quiet = ["--loglevel", "error", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { success, stderr } = await new Deno.Command("npm", {
    args: ["install", ...quiet, "--cache", `${folder.path}/cache`, "--prefix", ".", ...PACKAGES],
    cwd: folder.path,
    stdin: "null",
  }).output();
  if (!success) throw new Error(`npm: ${new TextDecoder().decode(stderr)}`);
  const path = `${folder.path}/${DECODERS}`;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path)));
  if (digest.toHex() !== SHA256) throw new Error(`${DECODERS}: sha256 ${digest.toHex()}`);
  return async (bytes) => {
    const node = new Deno.Command("node", {
      args: ["-e", PROGRAM, path],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = node.output();
    await new Blob([Uint8Array.from(bytes)]).stream().pipeTo(node.stdin);
    const { success, stdout, stderr } = await output;
    const [text, errors] = [stdout, stderr].map((part) => new TextDecoder().decode(part));
    if (!success) throw new Error(`node: ${errors}`);
    return JSON.parse(text).resourceMetrics;
  };
}

/** What a request was, once it is unpacked. */
export interface OtlpRequest {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly atMs: number;
}

/** Listens on loopback; answers in the order given, then 200. */
export class OtlpReceiver implements AsyncDisposable {
  readonly requests: OtlpRequest[] = [];
  #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(...answers: readonly (() => Response)[]) {
    const left = [...answers];
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { headers, url } = request;
        const packed = headers.get("content-encoding") === "gzip";
        const stream = packed
          ? request.body?.pipeThrough(new DecompressionStream("gzip"))
          : request.body;
        const body = await new Response(stream).bytes();
        this.requests.push({ path: new URL(url).pathname, headers, body, atMs: performance.now() });
        return left.shift()?.() ?? new Response();
      },
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `otlp-http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
