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
      peer("n4", {
        refused: 30,
        answeredAgeMs: 1500,
        establishedAgeMs: 86_400_000,
        recent: { bursts: 2, sent: 10, answered: 10, refused: 10, p50Us: null },
        repeated: 6,
      }),
    ],
  }));
  assertEquals(found, [
    'wire_probe_mesh_connect_excess_p99_seconds{node="n1",az="a"} 0.0012',
    'wire_probe_mesh_window_seconds{node="n1",az="a"} 300',
    'wire_probe_mesh_rtt_p50_seconds{node="n1",az="a",peer="n2"} 0.000412',
    'wire_probe_mesh_rtt_p50_seconds{node="n1",az="a",peer="n4"} 0.0004',
    'wire_probe_mesh_rtt_p99_seconds{node="n1",az="a",peer="n2"} 0.0015',
    'wire_probe_mesh_rtt_p99_seconds{node="n1",az="a",peer="n4"} 0.0008',
    'wire_probe_mesh_cold_rtt_p50_seconds{node="n1",az="a",peer="n2"} 0.000612',
    'wire_probe_mesh_cold_rtt_p50_seconds{node="n1",az="a",peer="n4"} 0.0006',
    'wire_probe_mesh_loss_ratio{node="n1",az="a",peer="n2"} 0',
    'wire_probe_mesh_loss_ratio{node="n1",az="a",peer="n3"} 1',
    'wire_probe_mesh_loss_ratio{node="n1",az="a",peer="n4"} 0',
    'wire_probe_mesh_refused_ratio{node="n1",az="a",peer="n2"} 0',
    'wire_probe_mesh_refused_ratio{node="n1",az="a",peer="n3"} 0',
    'wire_probe_mesh_refused_ratio{node="n1",az="a",peer="n4"} 0.1',
    'wire_probe_mesh_up{node="n1",az="a",peer="n4"} 0',
    'wire_probe_mesh_last_answer_age_seconds{node="n1",az="a",peer="n4"} 1.5',
    'wire_probe_mesh_last_established_age_seconds{node="n1",az="a",peer="n4"} 86400',
    'wire_probe_mesh_repeated_handshakes_ratio{node="n1",az="a",peer="n4"} 0.02',
    'wire_probe_mesh_syn_retransmits_ratio{node="n1",az="a",peer="n2"} 0.01',
    'wire_probe_mesh_syn_retransmits_ratio{node="n1",az="a",peer="n4"} 0',
  ]);
});

Deno.test("labels are escaped", () => {
  const [line] = lines(row('a"b\\c', { lagP99Us: 5 }));
  assertEquals(line, 'wire_probe_mesh_lag_p99_seconds{node="a\\"b\\\\c",az="a"} 0.000005');
});
