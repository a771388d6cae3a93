/** The receiver of an `otlp-http://` export URL. The command line checks it; the rest is read when it is sent to. */
import { UsageError } from "../domain/exit.ts";
import { serverUrl } from "../input/url.ts";
import { quote } from "../text/quote.ts";

/** "OTLP/HTTP Request" of the OpenTelemetry Protocol: the default path and port. */
export const METRICS_PATH = "/v1/metrics";
const HTTP_PORT = "4318";
const FORM = "it wants the form otlp-http://host:4318[/path]";

/** Null for a URL without a host: the environment names one then. Throws UsageError for any other text. */
export function endpointOf(text: string): URL | null {
  const match = /^otlp-(https?):\/\/([^?#]*)$/i.exec(text);
  if (match === null) throw refusal(text, FORM);
  if (match[2] === "" || match[2] === "/") return null;
  const [, scheme, rest] = match;
  const url = serverUrl(`${scheme}://${rest}`, FORM, (why) => refusal(text, why));
  if (url.protocol === "http:" && !/^[^/]*:\d+(\/|$)/.test(rest)) url.port = HTTP_PORT;
  if (url.pathname === "/") url.pathname = METRICS_PATH;
  return url;
}

/** The message leaves out what may hold a password. */
function refusal(text: string, why: string): UsageError {
  const open = quote(text.split("?")[0].replace(/\/\/.*@/, "//…@")).slice(1, -1);
  return new UsageError(`--export ${open}: ${why}`);
}
