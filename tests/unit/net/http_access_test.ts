/** Who is answered: by the name that is asked for, by the page that asks, by the token. */
import { assert, assertEquals } from "@std/assert";
import { HttpAccess } from "../../../src/net/http_access.ts";
import { type HttpRequest, parseHead } from "../../../src/net/http_request.ts";
import { HttpToken } from "../../../src/net/http_token.ts";

const SECRET = "0123456789abcdef-secret";

function request(host: string, fields = "", path = "/row"): HttpRequest {
  const text = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;
  const head = parseHead(new TextEncoder().encode(text));
  assert(!("status" in head), JSON.stringify(head));
  return head;
}

async function token(text = SECRET): Promise<HttpToken> {
  const made = await HttpToken.of(text);
  assert(made !== null);
  return made;
}

async function status(access: HttpAccess, of: HttpRequest): Promise<number> {
  return (await access.refusal(of))?.status ?? 200;
}

Deno.test("addresses and own names are answered, a name of somebody else's is not", async () => {
  const access = new HttpAccess(["DB1", "db1.example."], null);
  const own = ["127.0.0.1:9998", "[::1]", "203.0.113.7:1", "localhost", "db1", "DB1.example.:80"];
  for (const host of own) assertEquals(await status(access, request(host)), 200, host);
  for (const host of ["evil.example", "db1.evil.example", "localhost.evil.example", "1.2.3.4.5"]) {
    assertEquals(await status(access, request(host)), 421, host);
  }
  const bare = parseHead(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
  assert(!("status" in bare));
  assertEquals(await status(access, bare), 200);
});

Deno.test("another site's page is not answered; own pages and links are", async () => {
  const access = new HttpAccess(["db1"], null);
  const cases: readonly [fields: string, status: number][] = [
    ["Origin: http://db1:9998\r\n", 200],
    ["Origin: http://[::1]:9998\r\n", 200],
    ["Origin: https://evil.example\r\n", 403],
    ["Origin: null\r\n", 403],
    ["Sec-Fetch-Site: same-origin\r\n", 200],
    ["Sec-Fetch-Site: none\r\n", 200],
    ["Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", 200],
    ["Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", 403],
    ["Sec-Fetch-Site: cross-site\r\n", 403],
  ];
  for (const [fields, wanted] of cases) {
    assertEquals(await status(access, request("db1", fields)), wanted, fields);
  }
});

Deno.test("with a token, who does not know it is answered only whether the process lives", async () => {
  const access = new HttpAccess([], await token());
  const bearer = (text: string) => `Authorization: Bearer ${text}\r\n`;
  const known = await (await token()).ask();
  const unknown = await (await token("another-token-here")).ask();
  const cases: readonly [fields: string, status: number][] = [
    ["", 401],
    [bearer(SECRET), 200],
    [`authorization: bearer ${SECRET}\r\n`, 200],
    [bearer(`${SECRET}x`), 401],
    [bearer(SECRET.slice(0, -1)), 401],
    [bearer(SECRET.toUpperCase()), 401],
    [`Authorization: Basic ${btoa(`x:${SECRET}`)}\r\n`, 200],
    [`Authorization: Basic ${btoa(`:${SECRET}`)}\r\n`, 200],
    [`Authorization: Basic ${btoa(SECRET)}\r\n`, 401],
    [`Authorization: Basic ${btoa(`${SECRET}:`)}\r\n`, 401],
    [`Authorization: Basic ${btoa(`x:${SECRET}x`)}\r\n`, 401],
    [`Authorization: Basic x:${SECRET}\r\n`, 401],
    ["Authorization: Basic ====\r\n", 401],
    [`Authorization: ${known.authorization}\r\n`, 200],
    [`Authorization: ${unknown.authorization}\r\n`, 401],
    [`Authorization: ${known.authorization.slice(0, -1)}\r\n`, 401],
    [`${bearer(SECRET)}${bearer(SECRET)}`, 401],
  ];
  for (const [fields, wanted] of cases) {
    assertEquals(await status(access, request("localhost", fields)), wanted, fields);
  }
  assertEquals(await status(access, request("localhost", "", "/healthz")), 200);
  assertEquals(await status(access, request("evil.example", bearer(SECRET), "/healthz")), 421);
});

Deno.test("an answer is proven by who knows the token, for this question and this body", async () => {
  const [asking, answering] = [await token(), await token()];
  const other = await token("another-token-here");
  const body = new TextEncoder().encode("the row");
  const question = await asking.ask();
  const asked = request("n2", `Authorization: ${question.authorization}\r\n`);
  const proof = await answering.proof(asked, body);
  assert(await asking.proves(proof, question, body));
  assertEquals(await asking.proves(null, question, body), false);
  assertEquals(await asking.proves(proof, await asking.ask(), body), false);
  assertEquals(await asking.proves(proof, question, new TextEncoder().encode("a lie")), false);
  assertEquals(await asking.proves(await other.proof(asked, body), question, body), false);
  assertEquals(
    await answering.proof(request("n2", `Authorization: Bearer ${SECRET}\r\n`), body),
    null,
  );
  assert(!question.authorization.includes(SECRET) && !proof?.includes(SECRET));
});

Deno.test("what is no token is none", async () => {
  for (
    const text of [
      "",
      "short",
      "with a space in the middle",
      "x".repeat(1025),
      "ümlaut-ümlaut-ümlaut",
    ]
  ) {
    assertEquals(await HttpToken.of(text), null, text);
  }
});
