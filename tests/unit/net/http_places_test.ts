/** Which connection is ended for another one. */
import { assert, assertEquals } from "@std/assert";
import {
  HEAD_GRACE_MS,
  HttpPlaces,
  networkOf,
  type Place,
  type PlaceState,
  STALLED_MS,
} from "../../../src/net/http_places.ts";
import { firstSeed, Random } from "../random.ts";

const ended: string[] = [];

function place(name: string, network: string, state: PlaceState, acceptedMs = 0): Place {
  return { network, acceptedMs, state, progressMs: acceptedMs, end: () => ended.push(name) };
}

/** More places than these tests fill. */
const MANY = 2048;

/** The names of those that are ended one after the other at this time. */
function order(
  places: readonly Place[],
  nowMs: number,
  network = "a",
  limit = places.length,
): string[] {
  ended.length = 0;
  const all = new HttpPlaces(limit);
  for (const one of places) all.add(one);
  while (all.makeRoom(nowMs, network));
  return [...ended];
}

Deno.test("the oldest connection without a request goes first, then those that were answered", () => {
  const places = [
    place("answered", "a", "linger"),
    place("oldest", "a", "head", 1),
    place("handled", "a", "handler", 2),
    place("newer", "a", "head", 3),
    place("stalled", "a", "response", 4),
  ];
  assertEquals(order(places, 10_000), ["oldest", "newer", "answered", "stalled"]);
});

Deno.test("a connection has a moment for its request, a response one to be read", () => {
  const places = [place("head", "a", "head"), place("response", "a", "response")];
  assertEquals(order(places, HEAD_GRACE_MS - 1, "a", MANY), []);
  places[1].progressMs = HEAD_GRACE_MS;
  assertEquals(order(places, HEAD_GRACE_MS, "a", MANY), ["head"]);
  assertEquals(order(places, HEAD_GRACE_MS + STALLED_MS, "a", MANY), ["head", "response"]);
});

Deno.test("only few that were ended are beside the limit until they are over, unless that takes for ever", () => {
  const places = new HttpPlaces(8);
  const all = Array.from({ length: 8 }, (_, i) => place(`p${i}`, "a", "head", i));
  for (const one of all) places.add(one);
  const end = (count: number) => {
    for (let i = 0; i < count; i++) places.makeRoom(10_000, "a");
    while (!places.full) places.add(place("next", "a", "head", 9000));
    return places.size;
  };
  assertEquals([end(4), places.crowded], [8, false]);
  assertEquals([end(2), places.crowded], [6, true]);
  for (const one of all.slice(0, 3)) places.remove(one);
  assertEquals([end(0), places.crowded], [8, false]);
  assertEquals(end(4), 5);
  places.giveUpEnding();
  assertEquals([end(0), places.crowded], [8, false]);
});

Deno.test("however few places there are, two thousand that ask for nothing are through within a second", () => {
  for (const limit of [20, 27, 64, 256, 1024, 2048]) {
    const { graceMs } = new HttpPlaces(limit);
    assert(Math.floor(2000 / limit) * graceMs < 1000, `${limit}: ${graceMs}`);
    assert(graceMs <= HEAD_GRACE_MS);
  }
});

Deno.test("the network that holds the most places gives one up", () => {
  const places = [
    place("alone", "b", "head"),
    ...["x", "y", "z"].map((name, i) => place(name, "a", "head", 1 + i)),
  ];
  assertEquals(order(places, 10_000).slice(0, 2), ["x", "y"]);
});

Deno.test("no network keeps more than half of the places, even by requests under way", () => {
  const places = [
    ...["v", "w", "x", "y"].map((name) => place(name, "a", "handler")),
    place("alone", "b", "handler"),
  ];
  assertEquals(order(places, 10_000, "b"), ["v", "w"]);
  assertEquals(order(places.slice(0, 4), 10_000, "b"), ["v", "w"]);
  assertEquals(order(places, 10_000, "a"), []);
});

Deno.test("whatever the places, room is made as long as one of them waits for its request", () => {
  const seed = firstSeed();
  const random = new Random(seed);
  for (let i = 0; i < 200; i++) {
    const states = ["head", "handler", "response", "linger"] as const;
    const places = Array.from(
      { length: random.int(1, 40) },
      (_, k) => place(`${k}`, random.pick(["a", "b", "c"]), random.pick([...states]), k),
    );
    const went = new Set(order(places, 10_000));
    for (const [k, { state }] of places.entries()) {
      assertEquals(went.has(`${k}`) || state === "handler", true, `seed ${seed}`);
    }
  }
});

Deno.test("an IPv6 peer counts for its prefix of 64 bits", () => {
  const one = new Uint8Array(16).fill(1);
  const other = one.slice();
  other[15] = 2;
  assertEquals(networkOf(one), networkOf(other));
  other[7] = 2;
  assertEquals(networkOf(one) === networkOf(other), false);
  assertEquals(networkOf(new Uint8Array([127, 0, 0, 1])), "127.0.0.1");
});
