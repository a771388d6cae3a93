/** A port that several listening sockets share, as the kernel deals its connections out. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { literalEndpoint } from "../../src/domain/address.ts";
import { KernelScope } from "../../src/kernel/scope.ts";
import { SharedPorts } from "../../src/kernel/shared_port.ts";
import { acceptAndClose, drainOf, type Listener, listenOn } from "../../src/net/listener.ts";

const ignore = Deno.build.os !== "linux";
const LOOPBACK = "127.0.0.1";
/** The chance that all of them meet the same of two sockets is one in 2^63. */
const CONNECTIONS = 64;

/** Calls with what listens on shared ports, and ends what it holds. */
async function sharing(
  use: (listen: (port: number) => Listener) => Promise<void>,
): Promise<void> {
  const scope = new KernelScope();
  const ports = scope.opening(() => SharedPorts.open());
  assert(ports !== null);
  await use((port) => ports.listen(literalEndpoint(LOOPBACK, port)!, 128));
  await scope.close();
}

Deno.test({
  name: "connections to a shared port are dealt out among its sockets, and each is accepted once",
  ignore,
  fn: () =>
    sharing(async (listen) => {
      const first = listen(0);
      const { port } = first.addr;
      const listeners = [first, listen(port)];
      // Each is drained by its own descriptor, which address and port do not tell apart.
      const drained: number[] = [];
      for (const listener of listeners) drainOf(listener, null, (own) => drained.push(own))();
      assertEquals(drained, listeners.map(({ descriptor }) => descriptor));
      assertEquals(new Set(drained).size, 2);
      const all = Promise.withResolvers<void>();
      let total = 0;
      const counts = listeners.map(() => ({ accepted: 0, aborted: 0, exhausted: 0 }));
      const worked = (connections: number) => {
        total += connections;
        if (total === CONNECTIONS) all.resolve();
      };
      const ports = { pause: () => Promise.resolve(), worked, drain: () => 0 };
      const loops = listeners.map((listener, i) => acceptAndClose(listener, counts[i], ports));
      for (let i = 0; i < CONNECTIONS; i++) (await Deno.connect({ port })).close();
      await all.promise;
      for (const listener of listeners) listener.close();
      await Promise.all(loops);
      const [a, b] = counts.map(({ accepted }) => accepted);
      assertEquals(a + b, CONNECTIONS);
      assert(a > 0 && b > 0, `${a} and ${b}`);
    }),
});

Deno.test({
  name: "a shared port is refused to a socket that does not share it, and the other way round",
  ignore,
  fn: () =>
    sharing((listen) => {
      const shared = listen(0);
      const { port } = shared.addr;
      const taken = () => Deno.listen({ hostname: LOOPBACK, port });
      assertThrows(taken, Deno.errors.AddrInUse);
      using alone = Deno.listen({ hostname: LOOPBACK, port: 0 });
      assertThrows(
        () => listenOn([LOOPBACK], alone.addr.port, (_, port) => listen(port)),
        Error,
        `cannot listen on 127.0.0.1:${alone.addr.port}: Address already in use`,
      );
      shared.close();
      return Promise.resolve();
    }),
});

Deno.test({
  name: "a shared port's socket that is closed ends the wait for a connection, and every later one",
  ignore,
  fn: () =>
    sharing(async (listen) => {
      const listener = listen(0);
      const waiting = listener.accept();
      listener.close();
      listener.close();
      await assertRejects(() => waiting, Deno.errors.BadResource);
      await assertRejects(() => listener.accept(), Deno.errors.BadResource);
    }),
});
