/** `--export URL`: the places results can go to, and what each URL must hold. */
import { endpointOf } from "../sink/otlp_endpoint.ts";
import { quote } from "../text/quote.ts";
import type { ExportTarget } from "../run/options.ts";
import { UsageError } from "../domain/exit.ts";
import { literalEndpoint } from "../domain/address.ts";
import { parseProbeScope } from "../input/probe_scope.ts";
import { HOST_PORT, type HostPort, parseHostPort } from "../input/target_text.ts";
import { writeRequest } from "../sink/influx_request.ts";
import { splitUrl } from "../input/url.ts";
import type { ValueKind } from "./value.ts";

const ACCEPTED = "telegraf-udp://host:port[?batch], influx-http://host:port/?db=NAME, " +
  "influx-http://host:port/?org=ORG&bucket=BUCKET, otlp-http://host:4318[/path], collectd-exec, collectd-uds:///path " +
  "or prometheus://addr:port[?probe[=any|=ADDR/LEN:PORT,…]]";

/** Bytes of payload that `?batch=` takes: a line at least, a UDP datagram at most. */
const MIN_BATCH_BYTES = 512;
const MAX_BATCH_BYTES = 65_507;

export const exportUrl: ValueKind<ExportTarget> = {
  placeholder: "URL",
  accepts: ACCEPTED,
  words: [
    "collectd-exec",
    "telegraf-udp://",
    "influx-http://",
    "influx-https://",
    "otlp-http://",
    "otlp-https://",
    "collectd-uds://",
    "prometheus://",
  ],
  parse,
};

function parse(text: string): ExportTarget | null {
  if (text === "collectd-exec") return { kind: "collectd-exec" };
  const parts = splitUrl(text);
  if (parts === null) return null;
  const { scheme, rest } = parts;
  switch (scheme) {
    case "telegraf-udp":
      return telegraf(text, rest);
    case "influx-http":
    case "influx-https":
      // Checked here, so that a mistake in it is a usage error; its secrets are asked for later.
      writeRequest(text, null);
      return { kind: "influx-http", url: text };
    case "otlp-http":
    case "otlp-https":
      endpointOf(text);
      return { kind: "otlp", url: text };
    case "collectd-uds":
      return rest.startsWith("/") ? { kind: "collectd-uds", path: rest } : null;
    case "prometheus":
      return prometheus(text, rest);
    default:
      return null;
  }
}

function withoutSlash(text: string): string {
  return text.endsWith("/") ? text.slice(0, -1) : text;
}

function telegraf(url: string, rest: string): ExportTarget | null {
  const [place] = rest.split("?");
  const query = rest.slice(place.length + 1);
  const batch = /^(?:batch(?:=([1-9][0-9]*))?)?$/.exec(query);
  if (batch === null) return null;
  const bytes = batch[1] === undefined ? null : Number(batch[1]);
  if (bytes !== null && (bytes < MIN_BATCH_BYTES || bytes > MAX_BATCH_BYTES)) {
    throw new UsageError(
      `--export ${quote(url)}: batch wants ${MIN_BATCH_BYTES} to ${MAX_BATCH_BYTES} bytes`,
    );
  }
  const batchBytes = bytes ?? (query === "" ? null : "path");
  return { kind: "telegraf-udp", ...hostAndPort(url, withoutSlash(place)), batchBytes };
}

/** An address to listen on; none before the port is every address. */
function prometheus(url: string, rest: string): ExportTarget | null {
  const [, whole, , probe, scope] = /^([^?]*)(\?(?:(probe)(?:=(.*))?)?)?$/.exec(rest) ?? [];
  if (whole === undefined) return null;
  const place = withoutSlash(whole);
  const { host, port } = hostAndPort(url, place.startsWith(":") ? `0.0.0.0${place}` : place);
  if (literalEndpoint(host, port) === null) return null;
  const onDemand = probe === undefined ? null : parseProbeScope(scope ?? "");
  return { kind: "prometheus", address: host, port, onDemand };
}

function hostAndPort(url: string, place: string): HostPort {
  return parseHostPort(place, HOST_PORT, `--export ${quote(url)}`);
}
