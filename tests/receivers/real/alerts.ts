/** The alerts as they are shipped, with spans of seconds instead of minutes, watched in a Prometheus. */
import type { Alert, Prometheus } from "./prometheus.ts";
import { type Folder, untilTrue } from "./receiver.ts";

export const SHIPPED = new URL("../../../scripts/prometheus/", import.meta.url);
const RULE_FILES = ["wire_probe_rules.yml", "wire_probe_alerts.yml"];
const FIRES_MS = 40_000;

/** A minute of the rules is two seconds, and no span is longer than this. */
const LONGEST_S = 10;

/**
 * The rules with spans of seconds; all else stays but how late a prober may be, since the gate's own
 * machine is busy.
 */
function quickened(text: string): string {
  return text
    .replaceAll(/\[(\d+)m\]/g, (_, minutes) => `[${Math.min(LONGEST_S, Number(minutes) * 2)}s]`)
    .replaceAll(/for: \d+m/g, "for: 1s")
    .replaceAll("[1w] offset 15m", "[1m] offset 15s")
    .replaceAll("lag_seconds:p99_rate5m) > 0.05", "lag_seconds:p99_rate5m) > 0.3")
    .replaceAll(/^( {2}- name: wire-probe)$/gm, "$1\n    interval: 1s");
}

/** The rule files in a folder of the test's own. */
export function quickRules(folder: Folder): string[] {
  return RULE_FILES.map((name) =>
    folder.write(name, quickened(Deno.readTextFileSync(new URL(name, SHIPPED))))
  );
}

type Labels = Readonly<Record<string, string>>;

/** One alert from its cause to the cause's end. */
export interface Case {
  readonly alert: string;
  /** Whose alert it is. */
  readonly labels: Labels;
  /** Makes the cause; it may go on until `ended` is told. */
  cause(): void | Promise<void>;
  end(): void | Promise<void>;
}

/**
 * Until no alert fires: one that tells of a moment in which this machine stood still is true, and over soon.
 */
export async function nothingFires(prometheus: Prometheus): Promise<void> {
  await untilTrue(
    "nothing fires while nothing is wrong",
    async () => (await prometheus.alerts()).every(({ state }) => state !== "firing"),
    FIRES_MS,
  );
}

/** No alert is there before; this one fires for its cause, and is gone after the cause's end. */
export async function firesAndResolves(prometheus: Prometheus, one: Case): Promise<void> {
  const { alert, labels } = one;
  const what = `${alert} ${JSON.stringify(labels)}`;
  const is = ({ labels: of }: Alert) =>
    of.alertname === alert && Object.entries(labels).every(([key, value]) => of[key] === value);
  const states = async () => (await prometheus.alerts()).filter(is).map(({ state }) => state);
  await untilTrue(
    `${what} is not there before its cause`,
    async () => (await states()).length === 0,
  );
  const caused = one.cause();
  await untilTrue(`${what} fires`, async () => (await states()).includes("firing"), FIRES_MS);
  await one.end();
  await caused;
  await untilTrue(`${what} resolves`, async () => (await states()).length === 0, FIRES_MS);
}
