import { assertEquals } from "@std/assert";
import { fetchReason } from "../../../src/text/quote.ts";

Deno.test("why a fetch failed is told without the URL and the layers that it came through", () => {
  const url = "error sending request for url (http://db:8086/write?db=net)";
  const layers = "client error (Connect)";
  const names = "dns error: failed to lookup address information";
  const cases: readonly (readonly [said: string, reason: string])[] = [
    ["tcp connect error: Connection refused (os error 111)", "Connection refused"],
    [`${names}: Name or service not known`, "no such name"],
    [`${names}: No address associated with hostname`, "no address"],
    [`${names}: Temporary failure in name resolution`, "no name server answers"],
    [`${names}: System error`, "System error"],
    ["invalid peer certificate: UnknownIssuer", "invalid peer certificate: UnknownIssuer"],
  ];
  for (const [said, reason] of cases) {
    const error = new TypeError(`${url}: ${layers}: ${said}`);
    assertEquals(fetchReason(error), reason);
    assertEquals(
      fetchReason(new TypeError("fetch failed", { cause: new Error(`${layers}: ${said}`) })),
      reason,
    );
  }
  assertEquals(fetchReason(new Error("given up at the end")), "given up at the end");
});
