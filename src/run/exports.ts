/** Opens an exporter for each `--export` URL. */
import { SystemError, UsageError } from "../domain/exit.ts";
import { type Endpoint, hostPort } from "../domain/target.ts";
import { CollectdFormat } from "../format/collectd.ts";
import { InfluxFormat } from "../format/influx.ts";
import type { Attribute } from "../format/otlp.ts";
import { loadToken, readInputFile } from "../input/file.ts";
import type { Naming } from "../format/naming.ts";
import type { MetricFamily } from "../format/metric_family.ts";
import { receiverFamilies } from "../format/receiver_metrics.ts";
import type { RecordFormat } from "../format/record_format.ts";
import { openBreakOff } from "../kernel/break_off.ts";
import { environment, hostName, processId, residentBytes } from "../kernel/process.ts";
import { UdpSockets } from "../kernel/udp_socket.ts";
import { literalEndpoint } from "../domain/address.ts";
import type { Connector } from "../net/connector.ts";
import type { Resolver } from "../net/resolver.ts";
import { httpLimits } from "../net/http_limits.ts";
import { HttpAccess, type HttpOptions } from "../net/http_access.ts";
import { CollectdSocket, unixStream } from "../sink/collectd_socket.ts";
import type { Exporter } from "../sink/exporter.ts";
import { FollowedSocket } from "../sink/followed_socket.ts";
import { type FollowPorts, httpPost, type Post, type WholeReply } from "../sink/http_post.ts";
import { INFLUX_QUEUE, InfluxHttp } from "../sink/influx_http.ts";
import { writeRequest } from "../sink/influx_request.ts";
import { BATCH_BYTES_V4, BATCH_BYTES_V6, InfluxUdp } from "../sink/influx_udp.ts";
import { OtlpExporter } from "../sink/otlp.ts";
import { type NamedFile, type OtlpRequest, otlpRequest } from "../sink/otlp_request.ts";
import { PrometheusExporter } from "../sink/prometheus.ts";
import { systemClock } from "../time/clock.ts";
import { wallTime } from "../time/wall_anchor.ts";
import { type Gate, openGate } from "./gate.ts";
import { openPressure } from "./host_pressure.ts";
import { outbox, say } from "./outbox.ts";
import { reportReceivers } from "./receiver_reports.ts";
import { collectdOptions, type ExportRun, type ExportTarget } from "./options.ts";

/** A system's whole list of authorities takes a quarter of it. */
const MAX_PEM_BYTES = 1 << 20;
/** RFC 7468, section 5. */
const PEM_CERTIFICATE = "-----BEGIN CERTIFICATE-----";

/** What the exporters need of the run. */
export interface ExportPorts {
  readonly naming: Naming;
  readonly connector: Connector;
  readonly version: string;
  /** Lines that all outputs together lost so far. */
  readonly dropped: () => number;
  /** Metrics in place of the targets', for receivers that take no lines. */
  readonly families?: () => Iterable<MetricFamily>;
}

/** Opens every exporter and hands it to the outbox; throws SystemError when one cannot be had at all. */
export async function openExporters(options: ExportRun, ports: ExportPorts): Promise<void> {
  const influx: Exporter[] = [];
  for (const target of options.exports.targets) {
    const exporter = await open(target, options, ports);
    if (exporter === null) continue;
    outbox.add(exporter);
    if (target.kind === "telegraf-udp" || target.kind === "influx-http") influx.push(exporter);
  }
  // The lines of the original's spelling stay as they were.
  if (influx.length === 0 || !options.exports.hostTag) return;
  reportReceivers({
    clock: systemClock,
    states: () => outbox.receivers(),
    write: (steps) => {
      const lines = [...steps];
      // A receiver in trouble gets the report once it is well again: in its queue the report would
      // displace results.
      for (const exporter of influx) {
        if (exporter.receiver?.delivering !== false) exporter.write?.(lines);
      }
    },
    host: hostName(),
  });
}

/** Null for `collectd-exec`, whose lines go to stdout. */
async function open(
  target: ExportTarget,
  options: ExportRun,
  ports: ExportPorts,
): Promise<Exporter | null> {
  const { naming, version, dropped, families } = ports;
  const gate = openGate();
  const parts = { clock: systemClock, notice: say };
  const { perProbe, boundsUs, hostTag } = options.exports;
  const influx = () => new InfluxFormat(naming, hostTag ? hostName() : null);
  switch (target.kind) {
    case "collectd-exec":
      outbox.exportsByStdout = true;
      return null;
    case "telegraf-udp":
      return lines(influxUdp(target, influx(), gate), perProbe);
    case "influx-http": {
      const request = writeRequest(
        target.url,
        environment("INFLUX_TOKEN"),
        environment("INFLUX_PASSWORD"),
      );
      const sending = {
        clock: systemClock,
        format: influx(),
        post: httpPost(request, follow(request.where, gate)),
        output: outbox.output(request.where, INFLUX_QUEUE),
      };
      return lines(new InfluxHttp(sending), perProbe);
    }
    case "otlp": {
      const request = otlpRequest(target.url, environment, options.exports.windowMs);
      const resource = resourceAttributes(version, request.attributes);
      return new OtlpExporter(request, {
        clock: systemClock,
        trouble: outbox.trouble(request.where),
        sender: { resource, version, naming, temporality: request.temporality },
        post: await otlpPost(request, gate),
        boundsUs,
        runDropped: dropped,
        residentBytes,
        pressure: openPressure(),
        families,
        // A receiver that takes a request knows that it is up.
        receivers: receiverMetrics(2),
      });
    }
    case "collectd-uds": {
      const format = new CollectdFormat(collectdOptions(options), naming);
      const where = `collectd-uds://${target.path}`;
      const sending = { ...parts, format, connect: unixStream(target.path) };
      const socket = new CollectdSocket(where, sending);
      await socket.started;
      return lines(socket, perProbe);
    }
    case "prometheus":
      return await prometheus(target, options, ports, gate);
    default:
      return target satisfies never;
  }
}

/** Listens at once; throws SystemError when it cannot. */
async function prometheus(
  target: Extract<ExportTarget, { kind: "prometheus" }>,
  { exports: { boundsUs, http } }: ExportRun,
  { naming, connector, version, dropped, families }: ExportPorts,
  gate: Gate,
): Promise<PrometheusExporter> {
  return new PrometheusExporter(target.address, target.port, version, {
    clock: systemClock,
    connector,
    resolver: gate.resolver,
    dropped,
    http: {
      clock: systemClock,
      breakOff: openBreakOff(),
      limits: httpLimits(gate.descriptors),
      access: await accessOf(http),
    },
    onDemand: target.onDemand,
    naming,
    boundsUs,
    families,
    receivers: receiverMetrics(1),
    pressure: openPressure(),
  });
}

/** The metrics of this run's receivers, whose counters begin now; none of fewer receivers than `least`. */
function receiverMetrics(least: number): () => readonly MetricFamily[] {
  const start = wallTime(systemClock);
  return () => {
    const states = outbox.receivers();
    return states.length < least ? [] : receiverFamilies(states, start);
  };
}

/** Throws SystemError when a file of TLS cannot be read, UsageError when it holds nothing of the kind. */
async function otlpPost(request: OtlpRequest, gate: Gate): Promise<Post<WholeReply>> {
  const { authority, certificate, key } = request.tls;
  const ports = follow(request.where, gate);
  if (authority === null && certificate === null) return httpPost(request, ports);
  const read = async (file: NamedFile | null) =>
    file === null ? "" : await readInputFile(file.path, MAX_PEM_BYTES);
  const [ca, cert, secret] = await Promise.all([authority, certificate, key].map(read));
  // Without a certificate in it, the file would be taken for the usual authorities alone.
  if (authority !== null && !ca.includes(PEM_CERTIFICATE)) {
    throw new UsageError(`${authority.variable}: wants files in PEM`);
  }
  try {
    return httpPost(request, ports, {
      authorities: ca === "" ? [] : [ca],
      client: certificate === null ? null : { cert, key: secret },
    });
  } catch {
    // The runtime's message may quote the key.
    const variables = [authority, certificate, key].flatMap((file) => file?.variable ?? []);
    throw new UsageError(`${variables.join(", ")}: wants files in PEM`);
  }
}

/** The sender by OpenTelemetry's semantic conventions. The environment's attributes win. */
function resourceAttributes(version: string, given: readonly Attribute[]): readonly Attribute[] {
  const host = hostName();
  const own: readonly Attribute[] = [
    ["service.name", "wire-probe"],
    ["service.version", version],
    // Two probers of one target must differ in it.
    ["service.instance.id", `${host}:${processId()}`],
    ["host.name", host],
    ["process.pid", processId()],
  ];
  return [...new Map([...own, ...given])];
}

async function accessOf({ names, tokenFile }: HttpOptions): Promise<HttpAccess> {
  return new HttpAccess([hostName(), ...names], await loadToken(tokenFile));
}

function influxUdp(
  { host, port, batchBytes }: ExportTarget & { readonly kind: "telegraf-udp" },
  format: RecordFormat,
  { resolver }: Gate,
): Exporter {
  const where = `telegraf-udp://${hostPort(host, port)}`;
  const sockets = UdpSockets.open();
  if (sockets === null) throw new SystemError(`${where}: this platform offers no way to send`);
  const literal = literalEndpoint(host, port);
  const socket = literal !== null ? sockets.to(literal) : new FollowedSocket({
    clock: systemClock,
    lookUp: () => lookUp(resolver, host, port),
    open: (endpoint) => sockets.to(endpoint),
    onMoved: (address) => outbox.detail(`${where}: the receiver is at ${address} now`),
  });
  // A name may stand for addresses of both families: what fits IPv6 fits IPv4.
  const path = literal?.family === 4 ? BATCH_BYTES_V4 : BATCH_BYTES_V6;
  return new InfluxUdp({ where, batchBytes: batchBytes === "path" ? path : batchBytes }, {
    format,
    socket,
    clock: systemClock,
    notice: say,
  });
}

function follow(where: string, { resolver }: Gate): FollowPorts {
  return {
    clock: systemClock,
    resolver,
    onMoved: (addresses) =>
      outbox.detail(`${where}: the receiver is at ${addresses.join(", ")} now`),
  };
}

async function lookUp(resolver: Resolver, host: string, port: number): Promise<Endpoint[]> {
  const endpoints = (await resolver.resolve(host, 0))
    .map((address) => literalEndpoint(address, port))
    .filter((endpoint) => endpoint !== null);
  if (endpoints.length === 0) throw new Error(`cannot resolve ${host}: no address`);
  return endpoints;
}

/** An exporter of lines; with `--per-probe=false` it is given windows only. */
function lines(exporter: Exporter, perProbe: boolean): Exporter {
  if (perProbe) return exporter;
  return {
    check: (target) => exporter.check(target),
    record: () => {},
    window: (window) => exporter.window?.(window),
    write: (steps) => exporter.write?.(steps),
    room: async () => await exporter.room?.(),
    get dropped() {
      return exporter.dropped;
    },
    get drops() {
      return exporter.drops;
    },
    get receiver() {
      return exporter.receiver;
    },
    close: (withinMs) => exporter.close(withinMs),
  };
}
