import { assertEquals } from "@std/assert";
import {
  fateOf,
  type IcmpErrorKind,
  outcomeOfErrno,
  outcomeOfIcmp,
  OUTCOMES,
} from "../../../src/domain/outcome.ts";

Deno.test("each outcome counts as answered, lost or unsent", () => {
  assertEquals(OUTCOMES.map((outcome) => [outcome, fateOf(outcome)]), [
    ["established", "answered"],
    ["refused", "answered"],
    ["timeout", "lost"],
    ["unreachable", "lost"],
    ["unresolved", "unsent"],
    ["error", "unsent"],
  ]);
});

Deno.test("an errno and the ICMP error that Linux makes it of mean the same outcome", () => {
  // net/ipv4/icmp.c icmp_err_convert, net/ipv6/icmp.c icmpv6_err_convert
  const pairs: readonly [IcmpErrorKind, string][] = [
    ["network unreachable", "ENETUNREACH"],
    ["host unreachable", "EHOSTUNREACH"],
    ["protocol unreachable", "ENOPROTOOPT"],
    ["port unreachable", "ECONNREFUSED"],
    ["packet too big", "EMSGSIZE"],
    ["administratively prohibited", "EACCES"],
    ["source route failed", "EOPNOTSUPP"],
    ["ttl exceeded", "EHOSTUNREACH"],
    ["parameter problem", "EPROTO"],
  ];
  for (const [kind, errno] of pairs) assertEquals(outcomeOfErrno(errno), outcomeOfIcmp(kind), kind);
});

Deno.test("an errno that no answer stands behind is an error", () => {
  for (const errno of ["EMFILE", "EPERM", "EADDRNOTAVAIL", "ENOBUFS", "constructor", ""]) {
    assertEquals(outcomeOfErrno(errno), "error");
  }
});
