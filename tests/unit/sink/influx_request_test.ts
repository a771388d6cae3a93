import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { writeRequest } from "../../../src/sink/influx_request.ts";

Deno.test("an export URL becomes the write request of its API", () => {
  const cases: [string, string][] = [
    ["influx-http://db:8086/?db=net", "http://db:8086/write?db=net&precision=ns"],
    [
      "influx-http://db/?db=net&rp=two%20weeks",
      "http://db:8086/write?db=net&rp=two+weeks&precision=ns",
    ],
    ["influx-http://db?db=net", "http://db:8086/write?db=net&precision=ns"],
    ["influx-http://db:80/?db=net", "http://db/write?db=net&precision=ns"],
    ["influx-http://[::1]:9/?db=n", "http://[::1]:9/write?db=n&precision=ns"],
    ["influx-http://db:8428/base/?db=net", "http://db:8428/base/write?db=net&precision=ns"],
    ["influx-https://db:443/?db=net", "https://db/write?db=net&precision=ns"],
    ["INFLUX-HTTPS://db/?db=net", "https://db:8086/write?db=net&precision=ns"],
    ["Influx-Http://db:8428/Base/?db=Net", "http://db:8428/Base/write?db=Net&precision=ns"],
    [
      "influx-http://db/?org=My+Org&bucket=net%26co",
      "http://db:8086/api/v2/write?org=My+Org&bucket=net%26co&precision=ns",
    ],
  ];
  for (const [text, url] of cases) assertEquals(writeRequest(text, null).url, url, text);
});

Deno.test("secrets go into a header and into no message", () => {
  const headers = (text: string, token: string | null) =>
    writeRequest(text, token).headers.authorization;
  assertEquals(headers("influx-http://db/?db=net", null), undefined);
  assertEquals(
    headers("influx-http://db/?db=net&u=me&p=s%C3%A9", null),
    `Basic ${btoa("me:s\xc3\xa9")}`,
  );
  assertEquals(headers("influx-http://db/?org=o&bucket=b", "abc"), "Token abc");
  const { where, url } = writeRequest("influx-http://db:1/?db=net&u=me&p=secret", null);
  assertEquals([where, url.includes("secret")], ["influx-http://db:1", false]);
  const error = assertThrows(() => writeRequest("influx-http://db:1/?p=secret", null), UsageError);
  assertEquals(error.message.includes("secret"), false);
});

Deno.test("what is no export URL is refused by name", () => {
  const form = "it wants the form influx-http://host:port/?db=NAME or ?org=ORG&bucket=BUCKET";
  const cases: [string, string][] = [
    ["influx-http://", `--export influx-http://: ${form}`],
    [
      "influx-http://db:99999/?db=n",
      '--export influx-http://db:99999/: port "99999" is not from 1 to 65535',
    ],
    ["influx-http://db:0/?db=n", '--export influx-http://db:0/: port "0" is not from 1 to 65535'],
    ["influx-https://[::1]:00", '--export influx-https://[::1]:00: port "00" is not from 1'],
    ["influx-http://db:/?db=n", '--export influx-http://db:/: port "" is not from 1 to 65535'],
    ["influx-http://me:0/pw@db/?db=n", `--export influx-http://db/: ${form}`],
    ["influx-http://me:pw@db/?db=n", `--export influx-http://db/: ${form}`],
    [
      "influx-http://db/",
      "--export influx-http://db/: it wants db=NAME, or org=ORG and bucket=BUCKET",
    ],
    [
      "influx-http://db/?org=o",
      "--export influx-http://db/: it wants db=NAME, or org=ORG and bucket=BUCKET",
    ],
    ["influx-http://db/?db=", "--export influx-http://db/: db= is empty"],
    ["influx-http://db/?db=a&db=b", "--export influx-http://db/: db= is given twice"],
    ["influx-http://db/?db=a&p=b", "--export influx-http://db/: p= wants u= beside it"],
    [
      "influx-http://db/?db=a&precision=s",
      "--export influx-http://db/: it does not take precision=; it takes db, rp, u, p",
    ],
    [
      "influx-http://db/?org=a&rp=s",
      "--export influx-http://db/: it does not take rp=; it takes org, bucket",
    ],
  ];
  for (const [text, message] of cases) {
    assertThrows(() => writeRequest(text, null), UsageError, message);
  }
});

Deno.test("a password that is not in the URL is the environment's, and the URL's own wins", () => {
  const field = (query: string, password: string | null) =>
    writeRequest(`influx-http://db:1/?db=net${query}`, null, password).headers.authorization;
  assertEquals(field("&u=me", "secret"), `Basic ${btoa("me:secret")}`);
  assertEquals(field("&u=me&p=own", "secret"), `Basic ${btoa("me:own")}`);
  assertEquals(field("", "secret"), undefined);
});
