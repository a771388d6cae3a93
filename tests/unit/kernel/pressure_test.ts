import { assertEquals } from "@std/assert";
import { PressureGauge } from "../../../src/kernel/pressure.ts";
import { shortOf } from "../../../src/domain/host_pressure.ts";
import { FakeClock } from "../fake_clock.ts";

const some = (avg10: string) =>
  `some avg10=${avg10} avg60=1.00 avg300=0.10 total=12345\nfull avg10=99.00 avg60=0.00 avg300=0.00 total=1\n`;
/** user nice system idle iowait irq softirq steal guest guest_nice */
const stat = (idle: number, steal: number) =>
  `cpu  100 0 50 ${idle} 10 0 5 ${steal} 70 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 1\n`;

/** A gauge of files that a test may change. */
function gauge(
  files: Record<string, string>,
): { readonly gauge: PressureGauge; readonly clock: FakeClock } {
  const clock = new FakeClock();
  return { gauge: new PressureGauge({ read: (path) => files[path] ?? null }, clock), clock };
}

Deno.test("shares of the last ten seconds are as the kernel gives them, bounded by one", () => {
  const { gauge: found } = gauge({
    "/proc/pressure/cpu": some("12.34"),
    "/proc/pressure/memory": some("0.00"),
    "/proc/pressure/io": some("100.01"),
  });
  const { cpu, memory, io } = found.read();
  assertEquals([cpu, memory, io], [0.1234, 0, 1]);
});

Deno.test("steal is a share of all ticks since the reading before, guests' time not counted twice", () => {
  const files: Record<string, string> = { "/proc/stat": stat(1000, 20) };
  const { gauge: found } = gauge(files);
  assertEquals(found.read().steal, null);
  files["/proc/stat"] = stat(1060, 60);
  assertEquals(found.read().steal, 0.4);
  // A counter that goes back, as after a migration, is no negative share.
  files["/proc/stat"] = stat(1200, 10);
  assertEquals(found.read().steal, 0);
});

Deno.test("throttling is that of the own control group, in time by the monotonic clock", () => {
  const path = "/sys/fs/cgroup/system.slice/probe.service/cpu.stat";
  const files: Record<string, string> = {
    "/proc/self/cgroup": "0::/system.slice/probe.service\n",
    [path]: "usage_usec 5\nnr_periods 9\nnr_throttled 3\nthrottled_usec 1000000\n",
  };
  const { gauge: found, clock } = gauge(files);
  clock.stall(2000);
  files[path] = "usage_usec 5\nthrottled_usec 1500000\n";
  assertEquals(found.read().throttled, 0.25);
  // The root group has no such counter.
  const root = gauge({
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/cpu.stat": "usage_usec 5\n",
  });
  root.clock.stall(2000);
  assertEquals(root.gauge.read().throttled, null);
});

Deno.test("a kernel that tells nothing, or in another form, gives no figure", () => {
  const nothing = { cpu: null, memory: null, io: null, steal: null, throttled: null };
  assertEquals(gauge({}).gauge.read(), nothing);
  const odd = {
    "/proc/pressure/cpu": "full avg10=50.00\n",
    "/proc/pressure/io": "",
    "/proc/stat": "cpu  1 2 3\n",
    "/proc/self/cgroup": "12:cpu:/old\n",
  };
  assertEquals(gauge(odd).gauge.read(), nothing);
});

Deno.test("a host is short of what it waits for long enough, each resource by its own share", () => {
  const none = { cpu: 0.39, memory: 0.09, io: 0.39, steal: null, throttled: 0 };
  assertEquals(shortOf(none), []);
  assertEquals(shortOf({ ...none, cpu: 0.4, throttled: 0.1, steal: 0.5 }), [
    "cpu",
    "steal",
    "throttled",
  ]);
  assertEquals(shortOf(null), []);
});
