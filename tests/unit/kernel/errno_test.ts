import { assertEquals } from "@std/assert";
import { ErrnoError, errnoName } from "../../../src/kernel/errno.ts";
import { outcomeOfErrno } from "../../../src/domain/outcome.ts";
import { ERRNO } from "../../../src/kernel/linux.ts";

Deno.test("an errno's name is its code, or else the number in the runtime's message", () => {
  assertEquals(errnoName(new ErrnoError("connect", ERRNO.EHOSTUNREACH)), "EHOSTUNREACH");
  assertEquals(errnoName(new Error("Protocol not available (os error 92)")), "ENOPROTOOPT");
  const named = Object.assign(new Error("no (os error 92)"), { code: "EACCES" });
  assertEquals(errnoName(named), "EACCES");
  for (const none of [new Error("no number"), new Error("x (os error 4000)"), "a text", null]) {
    assertEquals(errnoName(none), "");
  }
});

Deno.test("every errno that Linux makes of an ICMP error is told by its number too", () => {
  // icmp_err_convert and icmpv6_err_convert, port unreachable apart.
  for (const [number, text] of [[64, "ENONET"], [71, "EPROTO"], [92, "ENOPROTOOPT"], [95, ""]]) {
    const name = errnoName(new Error(`${text} (os error ${number})`));
    assertEquals(outcomeOfErrno(name), "unreachable", `${number} ${name}`);
  }
});
