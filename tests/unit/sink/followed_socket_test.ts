import { assertEquals } from "@std/assert";
import { literalEndpoint } from "../../../src/domain/address.ts";
import type { Endpoint } from "../../../src/domain/target.ts";
import type { DatagramSocket } from "../../../src/kernel/udp_socket.ts";
import { FollowedSocket } from "../../../src/sink/followed_socket.ts";
import { FakeClock, settle } from "../fake_clock.ts";

const at = (address: string): Endpoint => literalEndpoint(address, 8094)!;

/** A followed socket whose look-ups end as told, one after the other. */
const setUp = () => {
  const clock = new FakeClock();
  const lookUps: PromiseWithResolvers<readonly Endpoint[]>[] = [];
  const events: string[] = [];
  const socket = new FollowedSocket({
    clock,
    lookUp: () => {
      const lookUp = Promise.withResolvers<readonly Endpoint[]>();
      lookUps.push(lookUp);
      return lookUp.promise;
    },
    open: ({ address }): DatagramSocket => {
      events.push(`open ${address}`);
      return {
        send: () => "sent",
        lastIsLost: () => false,
        failure: "ENETUNREACH",
        close: () => events.push(`close ${address}`),
      };
    },
    onMoved: (address) => events.push(`moved to ${address}`),
  });
  const send = () => socket.send(new Uint8Array(1), 1);
  return { clock, lookUps, events, socket, send };
};

Deno.test("sends are early until the first look-up has ended, well or not", async () => {
  const { clock, lookUps, events, socket, send } = setUp();
  assertEquals([send(), socket.failure], ["early", "its name is not looked up yet"]);
  lookUps[0].reject(new Error("no such name"));
  await socket.known;
  assertEquals([send(), socket.failure], ["failed", "no such name"]);
  await clock.advance(4000);
  lookUps[1].resolve([at("192.0.2.1")]);
  await settle();
  assertEquals([send(), events], ["sent", ["open 192.0.2.1"]]);
  socket.close();
  assertEquals(clock.waiting, 0);
});

Deno.test("a name that has another address is followed; one that fails keeps the address it had", async () => {
  const { clock, lookUps, events, socket, send } = setUp();
  lookUps[0].resolve([at("192.0.2.1")]);
  await settle();
  await clock.advance(4000);
  lookUps[1].reject(new Error("no answer"));
  await settle();
  assertEquals(send(), "sent");
  await clock.advance(4000);
  lookUps[2].resolve([at("192.0.2.2"), at("192.0.2.3")]);
  await settle();
  await clock.advance(4000);
  // Any of the addresses will do.
  lookUps[3].resolve([at("192.0.2.3"), at("192.0.2.2")]);
  await settle();
  assertEquals(events, [
    "open 192.0.2.1",
    "moved to 192.0.2.2",
    "close 192.0.2.1",
    "open 192.0.2.2",
  ]);
  socket.close();
});
