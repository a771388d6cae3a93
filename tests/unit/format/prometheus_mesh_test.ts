import { assertEquals } from "@std/assert";
import { prometheusMesh } from "../../../src/format/prometheus_mesh.ts";
import { LOST, peer, quantiles, row } from "../mesh/meshes.ts";
import { written } from "./written.ts";

/** The page's lines without their headers. */
function lines(...[from]: Parameters<typeof prometheusMesh>): string[] {
  const text = written((out) => {
    for (const step of prometheusMesh(from)) step(out);
  });
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

Deno.test("a row is gauges in seconds and shares, without a line for what was not measured", () => {
  const found = lines(row("n1", {
    lagP99Us: null,
    peers: [
      peer("n2", { rtt: quantiles(412, 1500), sent: 300, synRetransmits: 3 }),
      peer("n3", { ...LOST, synRetransmits: null }),
    ],
  }));
  assertEquals(found, [
    'wire_probe_mesh_connect_excess_p99_seconds{node="n1",az="a"} 0.0012',
    'wire_probe_mesh_window_seconds{node="n1",az="a"} 300',
    'wire_probe_mesh_rtt_p50_seconds{node="n1",az="a",peer="n2"} 0.000412',
    'wire_probe_mesh_rtt_p99_seconds{node="n1",az="a",peer="n2"} 0.0015',
    'wire_probe_mesh_cold_rtt_p50_seconds{node="n1",az="a",peer="n2"} 0.000612',
    'wire_probe_mesh_loss_ratio{node="n1",az="a",peer="n2"} 0',
    'wire_probe_mesh_loss_ratio{node="n1",az="a",peer="n3"} 1',
    'wire_probe_mesh_syn_retransmits_ratio{node="n1",az="a",peer="n2"} 0.01',
  ]);
});

Deno.test("labels are escaped", () => {
  const [line] = lines(row('a"b\\c', { lagP99Us: 5 }));
  assertEquals(line, 'wire_probe_mesh_lag_p99_seconds{node="a\\"b\\\\c",az="a"} 0.000005');
});
