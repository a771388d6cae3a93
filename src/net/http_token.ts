/**
 * The secret that the nodes of a mesh share (`--http-token FILE`). It never travels between nodes.
 * A node proves that it knows the secret by a MAC over a number used once; the answer bears a MAC
 * over that number and the answer's body. Scrapers send it as a bearer token (RFC 6750), a browser as
 * the password that it asks a person for (RFC 7617), with any user name.
 */
import type { HttpRequest } from "./http_request.ts";

/** All tokens of a shorter length could be tried. */
export const MIN_TOKEN_LENGTH = 16;
export const MAX_TOKEN_LENGTH = 1024;
const TOKEN = new RegExp(`^[!-~]{${MIN_TOKEN_LENGTH},${MAX_TOKEN_LENGTH}}$`);
/** Response field with the MAC of the body. */
export const PROOF_FIELD = "wire-probe-proof";
const SCHEME = "Wire-Probe";
const ASKED = /^Wire-Probe ([0-9a-f]{32}) ([0-9a-f]{64})$/;
const BEARER = /^Bearer +([!-~]+)$/i;
const BASIC = /^Basic +([A-Za-z0-9+/=]+)$/i;
const NONCE_BYTES = 16;
const HMAC = { name: "HMAC", hash: "SHA-256" };

/** A question to another node, and what its answer has to be proven with. */
export interface Question {
  /** The Authorization field. */
  readonly authorization: string;
  readonly nonce: string;
}

export class HttpToken {
  #key: CryptoKey;

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  /** Null for a text that is no token: 16 to 1,024 visible ASCII characters. */
  static async of(text: string): Promise<HttpToken | null> {
    if (!TOKEN.test(text)) return null;
    const secret = new TextEncoder().encode(text);
    return new HttpToken(
      await crypto.subtle.importKey("raw", secret, HMAC, false, ["sign", "verify"]),
    );
  }

  /** Whether the sender of the request knows the token. */
  async admits({ headers }: HttpRequest): Promise<boolean> {
    const field = headers.get("authorization") ?? "";
    const asked = ASKED.exec(field);
    if (asked !== null) return await this.#verifies(asked[2], `ask ${asked[1]}`);
    const secret = BEARER.exec(field)?.[1] ?? passwordOf(field);
    if (secret === null) return false;
    // Two MACs are compared, and by the runtime: how long that takes tells nothing of the token.
    const given = await HttpToken.of(secret);
    return given !== null && await this.#verifies(await given.#mac("bearer"), "bearer");
  }

  async ask(): Promise<Question> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES)).toHex();
    return { authorization: `${SCHEME} ${nonce} ${await this.#mac(`ask ${nonce}`)}`, nonce };
  }

  /** The proof of an answer to a node's question; null where a node did not ask. */
  async proof({ headers }: HttpRequest, body: Uint8Array): Promise<string | null> {
    const asked = ASKED.exec(headers.get("authorization") ?? "");
    return asked === null ? null : await this.#mac(`answer ${asked[1]} `, body);
  }

  /** Whether an answer is to this question, by a sender that knows the token. */
  async proves(proof: string | null, { nonce }: Question, body: Uint8Array): Promise<boolean> {
    return proof !== null && await this.#verifies(proof, `answer ${nonce} `, body);
  }

  async #mac(text: string, body: Uint8Array = new Uint8Array()): Promise<string> {
    return new Uint8Array(await crypto.subtle.sign(HMAC, this.#key, joined(text, body))).toHex();
  }

  async #verifies(
    mac: string,
    text: string,
    body: Uint8Array = new Uint8Array(),
  ): Promise<boolean> {
    if (!/^[0-9a-f]{64}$/.test(mac)) return false;
    return await crypto.subtle.verify(HMAC, this.#key, Uint8Array.fromHex(mac), joined(text, body));
  }
}

/** What stands behind the first colon; null where the field has no password. */
function passwordOf(field: string): string | null {
  const encoded = BASIC.exec(field)?.[1];
  if (encoded === undefined) return null;
  try {
    return /:(.*)/s.exec(atob(encoded))?.[1] ?? null;
  } catch {
    return null;
  }
}

function joined(text: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = new TextEncoder().encode(text);
  const whole = new Uint8Array(start.length + body.length);
  whole.set(start);
  whole.set(body, start.length);
  return whole;
}
