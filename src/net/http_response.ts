/** What an HTTP request is answered with, and its head as bytes want it (RFC 9112). */

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  /** Further fields. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In pieces for what is large: each is sent before the next is asked for. */
  readonly body: Uint8Array<ArrayBuffer> | string | AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** Called once when the response is over, whether or not it was sent. */
  readonly done?: () => void;
}

/** RFC 9110, section 15, as far as it is used here. */
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  421: "Misdirected Request",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

export const PLAIN_TEXT = "text/plain; charset=utf-8";

/** A short answer in words. */
export function textResponse(status: number, text: string): HttpResponse {
  return { status, contentType: PLAIN_TEXT, body: `${text}\n` };
}

/** Status line and fields; `length` of the body is null where it comes in pieces. */
export function headOf(
  response: HttpResponse,
  length: number | null,
  chunked: boolean,
  wallMs: number,
): string {
  const { status, contentType, headers = {} } = response;
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? ""}`,
    `Date: ${new Date(wallMs).toUTCString()}`,
    `Content-Type: ${contentType}`,
    "X-Content-Type-Options: nosniff",
    "Connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  if (length !== null) lines.push(`Content-Length: ${length}`);
  if (chunked) lines.push("Transfer-Encoding: chunked");
  if (status === 405) lines.push("Allow: GET, HEAD");
  return `${lines.join("\r\n")}\r\n\r\n`;
}
