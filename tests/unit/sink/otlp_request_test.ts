import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { type OtlpRequest, otlpRequest } from "../../../src/sink/otlp_request.ts";

type Variables = Readonly<Record<string, string>>;

function requestOf(
  url: string,
  variables: Variables = {},
  windowMs: number | null = null,
): OtlpRequest {
  return otlpRequest(url, (name) => variables[name] ?? null, windowMs);
}

const URLS: readonly (readonly [url: string, sentTo: string])[] = [
  ["otlp-http://collector:4318", "http://collector:4318/v1/metrics"],
  ["otlp-http://collector:4318/", "http://collector:4318/v1/metrics"],
  ["otlp-http://collector", "http://collector:4318/v1/metrics"],
  ["otlp-http://collector:80", "http://collector/v1/metrics"],
  ["otlp-http://[::1]:4318", "http://[::1]:4318/v1/metrics"],
  ["otlp-http://[::1]", "http://[::1]:4318/v1/metrics"],
  ["otlp-https://api.example", "https://api.example/v1/metrics"],
  ["OTLP-HTTPS://api.example", "https://api.example/v1/metrics"],
  ["Otlp-Http://c/Path", "http://c:4318/Path"],
  [
    "otlp-http://prom:9090/api/v1/otlp/v1/metrics",
    "http://prom:9090/api/v1/otlp/v1/metrics",
  ],
];

Deno.test("a URL is where metrics go, by default to the specification's port and path", () => {
  for (const [url, sentTo] of URLS) assertEquals(requestOf(url).url, sentTo, url);
});

const ENDPOINTS: readonly (readonly [variables: Variables, sentTo: string])[] = [
  [{}, "http://localhost:4318/v1/metrics"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, "http://c:4318/v1/metrics"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c/base/" }, "https://c/base/v1/metrics"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "HTTP://c:1" }, "http://c:1/v1/metrics"],
  [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://c:1/m" }, "http://c:1/m"],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a", OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://b/m" },
    "http://b/m",
  ],
];

Deno.test("without a host the environment's endpoint is taken", () => {
  for (const [variables, sentTo] of ENDPOINTS) {
    assertEquals(requestOf("otlp-http://", variables).url, sentTo, JSON.stringify(variables));
  }
});

Deno.test("headers, compression, times and resource come from the standard variables", () => {
  const request = requestOf("otlp-http://c:4318", {
    OTEL_EXPORTER_OTLP_HEADERS: "a=general",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: " api-key = s%20ecret , X-Org=7",
    OTEL_EXPORTER_OTLP_COMPRESSION: "none",
    OTEL_EXPORTER_OTLP_TIMEOUT: "2500",
    OTEL_METRIC_EXPORT_INTERVAL: "15000",
    OTEL_SERVICE_NAME: "probe-eu",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=other,deployment.environment=prod%2Ceu",
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
  });
  assertEquals(request, {
    where: "otlp-http://c:4318",
    url: "http://c:4318/v1/metrics",
    headers: {
      "content-type": "application/x-protobuf",
      "user-agent": "wire-probe",
      "api-key": "s ecret",
      "x-org": "7",
    },
    gzip: false,
    timeoutMs: 2500,
    intervalMs: 15_000,
    exportMs: 15_000,
    temporality: "cumulative",
    tls: { authority: null, certificate: null, key: null },
    attributes: [["service.name", "probe-eu"], ["deployment.environment", "prod,eu"]],
  });
});

Deno.test("without variables it is gzip, ten seconds for an answer and a minute between sendings", () => {
  const { headers, gzip, timeoutMs, intervalMs } = requestOf("otlp-http://c:4318");
  assertEquals([headers["content-encoding"], gzip, timeoutMs, intervalMs], [
    "gzip",
    true,
    10_000,
    60_000,
  ]);
  assertEquals(requestOf("otlp-http://c:4318", {}, 5000).intervalMs, 5000);
});

Deno.test("a preference for differences is taken in either case, and a limit of a sending", () => {
  const { temporality, exportMs } = requestOf("otlp-http://c:4318", {
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "Delta",
    OTEL_METRIC_EXPORT_TIMEOUT: "5000",
  });
  assertEquals([temporality, exportMs], ["delta", 5000]);
});

Deno.test("files for TLS come from the variables for metrics first, and count for https alone", () => {
  const variables = {
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/all.pem",
    OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE: "/metrics.pem",
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: "/client.pem",
    OTEL_EXPORTER_OTLP_CLIENT_KEY: "/client.key",
  };
  assertEquals(requestOf("otlp-https://c", variables).tls, {
    authority: { variable: "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", path: "/metrics.pem" },
    certificate: { variable: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", path: "/client.pem" },
    key: { variable: "OTEL_EXPORTER_OTLP_CLIENT_KEY", path: "/client.key" },
  });
  const none = { authority: null, certificate: null, key: null };
  assertEquals(requestOf("otlp-http://c:4318", variables).tls, none);
});

const BAD: readonly (readonly [url: string, variables: Variables, message: string])[] = [
  ["otlp-http://user:secret@c", {}, "it wants the form otlp-http://host:4318[/path]"],
  ["otlp-http://c?token=secret", {}, "it wants the form otlp-http://host:4318[/path]"],
  ["otlp-http://c:0", {}, '--export otlp-http://c:0: port "0" is not from 1 to 65535'],
  ["otlp-https://c:0/x", {}, 'port "0" is not from 1 to 65535'],
  ["otlp-http://c:65536", {}, 'port "65536" is not from 1 to 65535'],
  ["otlp-http://c:0/secret@d", {}, "it wants the form"],
  ["otlp-http://", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:0" }, 'OTLP_ENDPOINT: port "0" is not'],
  [
    "otlp-http://",
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "https://[::1]:0/m" },
    'METRICS_ENDPOINT: port "0" is not from 1 to 65535',
  ],
  ["otlp-http://", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://u:secret@c" }, "ENDPOINT: wants http://"],
  ["otlp-http://", { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, 'PROTOCOL "grpc": wire-probe speaks'],
  ["otlp-http://", { OTEL_EXPORTER_OTLP_ENDPOINT: "c:4318" }, "OTLP_ENDPOINT: wants http://"],
  ["otlp-http://c", { OTEL_EXPORTER_OTLP_HEADERS: "secret" }, "HEADERS: entry 1 is not key=value"],
  ["otlp-http://c", { OTEL_EXPORTER_OTLP_HEADERS: "a=%zz" }, "HEADERS: entry 1 is not key=value"],
  ["otlp-http://c", { OTEL_EXPORTER_OTLP_HEADERS: "a b=secret" }, '"a b" is no header'],
  ["otlp-http://c", { OTEL_EXPORTER_OTLP_HEADERS: "a=x%0asecret" }, '"a" is no header'],
  ["otlp-http://c", { OTEL_EXPORTER_OTLP_COMPRESSION: "zstd" }, '"zstd": wants gzip or none'],
  ["otlp-http://c", { OTEL_EXPORTER_OTLP_TIMEOUT: "10s" }, '"10s": wants milliseconds'],
  ["otlp-http://c", { OTEL_METRIC_EXPORT_TIMEOUT: "never" }, 'TIMEOUT "never": wants milliseconds'],
  [
    "otlp-http://c",
    { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "sums" },
    'TEMPORALITY_PREFERENCE "sums": wants cumulative, delta, lowmemory',
  ],
  [
    "otlp-https://c",
    { OTEL_EXPORTER_OTLP_CLIENT_KEY: "/k" },
    "OTLP_CLIENT_KEY: the client's certificate and its key want one another",
  ],
  ["otlp-http://c", { OTEL_METRIC_EXPORT_INTERVAL: "0" }, '"0": wants milliseconds'],
];

Deno.test("what cannot be is refused by name, and no message has a secret", () => {
  for (const [url, variables, expected] of BAD) {
    const { message } = assertThrows(() => requestOf(url, variables), UsageError, undefined, url);
    assertStringIncludes(message, expected);
    assertEquals(message.includes("secret"), false, message);
  }
});
