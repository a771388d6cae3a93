import { assertEquals } from "@std/assert";
import { sockaddr } from "../../src/kernel/sockaddr.ts";
import { hasSent } from "../../src/kernel/tcp_info.ts";
import { literalEndpoint } from "../../src/domain/address.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
/** For documentation (RFC 5737). From a socket bound to loopback nothing leaves for it. */
const ELSEWHERE = "192.0.2.1";

Deno.test({
  name: "a socket that has sent its SYN is told from one that has not, whatever errno says",
  ignore: Deno.build.os !== "linux",
  fn: () => {
    const libc = Deno.dlopen("libc.so.6", {
      socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
      bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
      connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
      getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
      close: { parameters: ["i32"], result: "i32" },
    });
    const { socket, bind, connect, getsockopt, close } = libc.symbols;
    const at = (address: string, port: number) => sockaddr(literalEndpoint(address, port)!);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    closed.close();

    for (
      const [what, to, sent] of [
        ["a listening port", at("127.0.0.1", listener.addr.port), true],
        ["a closed one", at("127.0.0.1", closed.addr.port), true],
        ["an address that loopback has no way to", at(ELSEWHERE, 9), false],
      ] as const
    ) {
      const descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      assertEquals(hasSent(getsockopt, descriptor), false, what);
      const from = at("127.0.0.1", 0);
      assertEquals(bind(descriptor, from, from.length), 0);
      assertEquals(connect(descriptor, to, to.length), -1, what);
      assertEquals(hasSent(getsockopt, descriptor), sent, what);
      close(descriptor);
    }
    const datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    assertEquals(hasSent(getsockopt, datagrams), false);
    close(datagrams);
    assertEquals(hasSent(getsockopt, -1), false);
    libc.close();
  },
});
