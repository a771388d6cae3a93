/** An `otlp-http://` export URL and OpenTelemetry's environment variables as the requests they stand for. */
import { UsageError } from "../domain/exit.ts";
import { serverUrl } from "../input/url.ts";
import type { Attribute } from "../format/otlp.ts";
import { TEMPORALITIES, type Temporality } from "../format/otlp_differences.ts";
import { quote } from "../text/quote.ts";
import { endpointOf, METRICS_PATH } from "./otlp_endpoint.ts";

/** Where and how metrics are sent. */
export interface OtlpRequest {
  /** The receiver as notices name it, without anything secret. */
  readonly where: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** How often metrics are sent. */
  readonly intervalMs: number;
  /** How long the figures of one moment may take to be sent, with all attempts. */
  readonly exportMs: number;
  readonly temporality: Temporality;
  /** Files in PEM for TLS; null where the environment names none. */
  readonly tls: TlsFiles;
  /** Attributes of the resource that the environment names. */
  readonly attributes: readonly Attribute[];
}

/** A file, and the variable that names it. */
export interface NamedFile {
  readonly variable: string;
  readonly path: string;
}

/** The authorities of the server's certificate, and this client's own certificate and key. */
export interface TlsFiles {
  readonly authority: NamedFile | null;
  readonly certificate: NamedFile | null;
  readonly key: NamedFile | null;
}

/** Reads a variable of the environment; null where it is not set. */
export type Environment = (name: string) => string | null;

/** "OTLP Exporter Configuration": the default of OTEL_EXPORTER_OTLP_ENDPOINT. */
const DEFAULT_ENDPOINT = "http://localhost:4318";
const ENDPOINT = "wants http://host:port or https://host:port";
const DEFAULT_TIMEOUT_MS = 10_000;
/** The default of OTEL_METRIC_EXPORT_INTERVAL. */
const DEFAULT_INTERVAL_MS = 60_000;
const MAX_MS = 86_400_000;
const MAX_ENTRIES = 64;
/** RFC 9110, 5.6.2: a token. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110, 5.5: visible characters, blanks and tabs between them. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The variables that the exporter reads, with what they are for, as the manual lists them. */
export const OTEL_VARIABLES: readonly (readonly [name: string, purpose: string])[] = [
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "where otlp-http:// without a host sends metrics"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "headers of its requests, as key=value,…"],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "how long an answer may take, in ms"],
  ["OTEL_EXPORTER_OTLP_COMPRESSION", "gzip (the default here) or none"],
  [
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "a file of authorities, in PEM, to trust beside the usual ones",
  ],
  [
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "files in PEM with what the client shows of itself",
  ],
  [
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "cumulative (the default), delta or lowmemory",
  ],
  ["OTEL_METRIC_EXPORT_TIMEOUT", "how long a sending may take with all attempts, in ms"],
  ["OTEL_METRIC_EXPORT_INTERVAL", "how often metrics are sent without --window, in ms"],
  ["OTEL_SERVICE_NAME", "the resource's service.name (default wire-probe)"],
  ["OTEL_RESOURCE_ATTRIBUTES", "further attributes of the resource, as key=value,…"],
];

/**
 * `otlp-http://host:port[/path]`, `otlp-https://…`; without a host the environment's endpoint. Without
 * a path it is `/v1/metrics`. Throws UsageError that names what is wrong.
 */
export function otlpRequest(
  text: string,
  environment: Environment,
  windowMs: number | null,
): OtlpRequest {
  const of = (name: string) => {
    const metrics = environment(`OTEL_EXPORTER_OTLP_METRICS_${name}`);
    return metrics === null || metrics === ""
      ? [`OTEL_EXPORTER_OTLP_${name}`, environment(`OTEL_EXPORTER_OTLP_${name}`) ?? ""] as const
      : [`OTEL_EXPORTER_OTLP_METRICS_${name}`, metrics] as const;
  };
  const url = endpointOf(text) ?? environmentEndpoint(environment, of("PROTOCOL"));
  const headers: Record<string, string> = {
    "content-type": "application/x-protobuf",
    "user-agent": "wire-probe",
  };
  for (const [key, value] of entriesOf(...of("HEADERS"))) {
    if (!HEADER_NAME.test(key) || !HEADER_VALUE.test(value)) {
      throw new UsageError(`${of("HEADERS")[0]}: ${quote(key)} is no header`);
    }
    headers[key.toLowerCase()] = value;
  }
  const gzip = compressionOf(...of("COMPRESSION"));
  if (gzip) headers["content-encoding"] = "gzip";
  const sending = (what: string, usualMs: number) => {
    const name = `OTEL_METRIC_EXPORT_${what}`;
    return msOf(name, environment(name) ?? "", usualMs);
  };
  const intervalMs = windowMs ?? sending("INTERVAL", DEFAULT_INTERVAL_MS);
  return {
    where: `otlp-${url.protocol}//${url.host}`,
    url: url.href,
    headers,
    gzip,
    timeoutMs: msOf(...of("TIMEOUT"), DEFAULT_TIMEOUT_MS),
    intervalMs,
    exportMs: sending("TIMEOUT", intervalMs),
    temporality: temporalityOf(environment),
    tls: tlsOf(of, url.protocol),
    attributes: resourceOf(environment),
  };
}

/** The variable for metrics is taken as it is; the one for all signals gets their path behind it. */
function environmentEndpoint(
  environment: Environment,
  [protocolName, protocol]: readonly [string, string],
): URL {
  if (protocol !== "" && protocol !== "http/protobuf") {
    throw new UsageError(`${protocolName} ${quote(protocol)}: wire-probe speaks http/protobuf`);
  }
  const own = environment("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") ?? "";
  const base = (environment("OTEL_EXPORTER_OTLP_ENDPOINT") ?? "") || DEFAULT_ENDPOINT;
  const name = `OTEL_EXPORTER_OTLP_${own === "" ? "" : "METRICS_"}ENDPOINT`;
  const refused = (why: string) => new UsageError(`${name}: ${why}`);
  const text = own === "" ? base.replace(/\/*$/, METRICS_PATH) : own;
  const url = serverUrl(text, ENDPOINT, refused);
  if (!/^https?:$/.test(url.protocol)) throw refused(ENDPOINT);
  return url;
}

function compressionOf(name: string, text: string): boolean {
  if (text !== "" && text !== "gzip" && text !== "none") {
    throw new UsageError(`${name} ${quote(text)}: wants gzip or none`);
  }
  return text !== "none";
}

function temporalityOf(environment: Environment): Temporality {
  const name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
  const text = environment(name) ?? "";
  if (text === "") return "cumulative";
  const found = TEMPORALITIES.find((one) => one === text.toLowerCase());
  if (found !== undefined) return found;
  throw new UsageError(`${name} ${quote(text)}: wants ${TEMPORALITIES.join(", ")}`);
}

/** Variables for TLS are read only for TLS. */
function tlsOf(of: (name: string) => readonly [string, string], protocol: string): TlsFiles {
  const file = (name: string): NamedFile | null => {
    const [variable, path] = of(name);
    return path === "" || protocol !== "https:" ? null : { variable, path };
  };
  const files = {
    authority: file("CERTIFICATE"),
    certificate: file("CLIENT_CERTIFICATE"),
    key: file("CLIENT_KEY"),
  };
  const [one, other] = [files.certificate, files.key];
  if ((one === null) !== (other === null)) {
    const { variable } = (one ?? other)!;
    throw new UsageError(`${variable}: the client's certificate and its key want one another`);
  }
  return files;
}

/** Whole milliseconds; the fallback where nothing is given. */
function msOf(name: string, text: string, fallback: number): number {
  if (text === "") return fallback;
  const ms = /^[1-9][0-9]*$/.test(text) ? Number(text) : NaN;
  if (!(ms <= MAX_MS)) {
    throw new UsageError(`${name} ${quote(text)}: wants milliseconds up to a day`);
  }
  return ms;
}

function resourceOf(environment: Environment): readonly Attribute[] {
  const name = "OTEL_RESOURCE_ATTRIBUTES";
  const given = new Map<string, string>(entriesOf(name, environment(name) ?? ""));
  const service = environment("OTEL_SERVICE_NAME") ?? "";
  if (service !== "") given.set("service.name", service);
  return [...given];
}

/** `key=value,key=value`, values percent-encoded (W3C Baggage). Values are secrets: no message has them. */
function entriesOf(name: string, text: string): [string, string][] {
  const entries = text.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
  if (entries.length > MAX_ENTRIES) {
    throw new UsageError(`${name}: more than ${MAX_ENTRIES} entries`);
  }
  return entries.map((entry, i) => {
    const at = entry.indexOf("=");
    try {
      const [key, value] = [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
      if (at > 0) return [decodeURIComponent(key), decodeURIComponent(value)];
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
    }
    throw new UsageError(`${name}: entry ${i + 1} is not key=value`);
  });
}
