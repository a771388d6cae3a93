/**
 * collectd's plain text protocol (collectd-exec(5), collectd-unixsock(5)): a PUTVAL line a probe,
 * byte-compatible with the original tool's.
 */
import { UsageError } from "../domain/exit.ts";
import { pressureFields } from "../domain/host_pressure.ts";
import { NONE, type ProbeRecord, serviceRttOf } from "../domain/probe_record.ts";
import { sameSeries, type Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";
import { roundedShare } from "../text/number.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { NAMING, type Naming } from "./naming.ts";
import { PerTarget, type RecordFormat } from "./record_format.ts";

/** DATA_MAX_NAME_LEN less its zero: what a part of an identifier may take, in bytes. */
export const MAX_PART_BYTES = 127;
const UNDEFINED = 85; // U
const NEWLINE = 10;

/** `latency`: the original's identifier. `ping`: those of collectd's stock ping plugin. */
export type CollectdTypes = "latency" | "ping";

export interface CollectdOptions {
  /** The host part of the identifier. */
  readonly host: string;
  /** How often values come, in ms. */
  readonly intervalMs: number;
  readonly types: CollectdTypes;
  /** Writes windows instead of single probes: one series has one kind of value. */
  readonly windowed: boolean;
}

export class CollectdFormat implements RecordFormat {
  #options: CollectdOptions;
  #latency: PerTarget<Uint8Array>;
  #ping: PerTarget<PingPrefixes>;
  #plugin: string;
  /** The end of the windows whose pressure has been written. */
  #toldSeconds = NaN;
  #toldNanos = NaN;

  /** Throws UsageError when the host cannot be represented. */
  constructor(options: CollectdOptions, { plugin }: Naming = NAMING.probe) {
    checkPart("host", options.host);
    this.#options = options;
    this.#plugin = plugin;
    this.#latency = new PerTarget((target, out) => {
      writePrefix(out, options, `${plugin}/latency-${target.name}`);
      return out.takeCopy();
    });
    this.#ping = new PerTarget((target, out) => {
      const prefix = (type: string) => {
        writePrefix(out, options, `ping/${type}-${target.name}`);
        return out.takeCopy();
      };
      return {
        mean: prefix("ping"),
        stddev: prefix("ping_stddev"),
        drops: prefix("ping_droprate"),
      };
    });
  }

  /** Throws UsageError when the target cannot be represented. */
  check(target: Target): void {
    checkPart("target", target.name);
  }

  record(out: ByteWriter, record: ProbeRecord): void {
    if (this.#options.windowed) return;
    out.raw(this.#latency.of(record.target));
    const rttUs = serviceRttOf(record);
    if (rttUs === NONE) out.byte(UNDEFINED);
    else out.millis(rttUs);
    out.byte(NEWLINE);
  }

  /** Writes nothing for a window in which nothing was sent: not even an undefined value. */
  window(out: ByteWriter, window: Window): void {
    if (!this.#options.windowed || window.sent === 0) return;
    if (this.#options.types === "ping") this.#pingWindow(out, window);
    else {
      out.raw(this.#latency.of(window.target));
      writeMillis(out, window.handshakes?.avgUs);
    }
    this.#pressure(out, window);
  }

  /** The host's pressure, once for all targets whose windows end together. */
  #pressure(out: ByteWriter, { wallSeconds, wallNanos, pressure }: Window): void {
    if (wallSeconds === this.#toldSeconds && wallNanos === this.#toldNanos) return;
    this.#toldSeconds = wallSeconds;
    this.#toldNanos = wallNanos;
    for (const [name, share] of pressureFields(pressure)) {
      if (share === null) continue;
      writePrefix(out, this.#options, `${this.#plugin}/gauge-${name}`);
      out.ascii(`${roundedShare(share)}\n`);
    }
  }

  /** The same values as the stock plugin. */
  #pingWindow(out: ByteWriter, window: Window): void {
    const prefixes = this.#ping.of(window.target);
    const times = window.handshakes;
    out.raw(prefixes.mean);
    writeMillis(out, times?.avgUs);
    out.raw(prefixes.stddev);
    writeMillis(out, times?.stddevUs);
    out.raw(prefixes.drops);
    // A refusal is no handshake, so it is a drop, as the original and its plugin count it.
    const drops = window.sent - window.answered + window.refused;
    out.ascii((drops / window.sent).toFixed(6));
    out.byte(NEWLINE);
  }
}

/** Throws UsageError where two targets have one name: zones and labels are no part of an identifier. */
export function checkCollectdNames(targets: readonly Target[]): void {
  const named = new Map<string, Target>();
  for (const target of targets) {
    const earlier = named.get(target.name);
    if (earlier !== undefined) throw new UsageError(sameSeries(earlier, target, "collectd"));
    named.set(target.name, target);
  }
}

/** A target's three identifiers under the stock plugin's names. */
interface PingPrefixes {
  readonly mean: Uint8Array;
  readonly stddev: Uint8Array;
  readonly drops: Uint8Array;
}

function writeMillis(out: ByteWriter, micros: number | undefined): void {
  if (micros === undefined) out.byte(UNDEFINED);
  else out.millis(Math.round(micros));
  out.byte(NEWLINE);
}

/** `PUTVAL host/rest interval=10 N:` */
export function writePrefix(
  out: ByteWriter,
  options: Pick<CollectdOptions, "host" | "intervalMs">,
  rest: string,
): void {
  out.ascii("PUTVAL ");
  out.utf8(quoted(`${options.host}/${rest}`));
  out.ascii(" interval=");
  out.ascii(String(options.intervalMs / 1000));
  out.ascii(" N:");
}

/** Words with blanks, quotes or backslashes go in double quotes (utils_parse_option). */
function quoted(text: string): string {
  return /[\s"\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : text;
}

function checkPart(what: string, text: string): void {
  const bytes = new TextEncoder().encode(text).length;
  // "latency-" is the type, which is a part of its own.
  if (text.includes("/") || bytes > MAX_PART_BYTES) {
    throw new UsageError(
      `${what} ${JSON.stringify(text)} cannot be part of a collectd name: ${
        text.includes("/") ? "it holds a slash" : `it is longer than ${MAX_PART_BYTES} bytes`
      }`,
    );
  }
}
