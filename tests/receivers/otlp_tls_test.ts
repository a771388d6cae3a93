/** OTLP over TLS to a server of a private authority, which asks the client for a certificate. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Peers } from "./real/peers.ts";
import { Probe } from "./real/probe.ts";
import { Folder, Program, realTest, untilTrue } from "./real/receiver.ts";

/** Says its port, then of each request who sent it and what its content is. */
const SERVER = `const fs = require("fs"), folder = process.argv[1];
const read = (name) => fs.readFileSync(folder + "/" + name);
require("https").createServer({
  key: read("server.key"), cert: read("server.pem"), ca: read("ca.pem"), requestCert: true,
}, (request, response) => {
  console.log(request.socket.getPeerCertificate().subject.CN, request.headers["content-type"]);
  request.resume().on("end", () => response.end());
}).listen(0, "127.0.0.1", function () { console.log("port", this.address().port); });`;

/** An authority, and a certificate each of a server on loopback and of a client, with their keys. */
async function makeCertificates(folder: Folder): Promise<void> {
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc";
  const script = `set -e
    printf 'subjectAltName=IP:127.0.0.1' >san
    openssl req -x509 ${key} -keyout ca.key -out ca.pem -subj /CN=authority -days 2
    for who in server client; do
      openssl req ${key} -keyout $who.key -out $who.csr -subj /CN=$who
      openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -out $who.pem -days 2 -extfile san
    done`;
  const { success, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd: folder.path,
  })
    .output();
  assert(success, new TextDecoder().decode(stderr));
}

realTest(
  "the environment names the authority to trust and the client's certificate",
  ["npm", "openssl"],
  async () => {
    using folder = new Folder();
    await makeCertificates(folder);
    using peers = new Peers();
    await using server = new Program("node", ["-e", SERVER, folder.path]);
    await server.ready(() => /^port \d+$/m.test(server.log));
    const url = `otlp-https://127.0.0.1:${/^port (\d+)$/m.exec(server.log)?.[1]}`;
    const words = ["-c", "3", "-i", "20ms", "--export", url, peers.live];
    const file = (name: string) => `${folder.path}/${name}`;
    const trusting = {
      OTEL_EXPORTER_OTLP_CERTIFICATE: file("ca.pem"),
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file("client.pem"),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: file("client.key"),
    };
    await using probe = new Probe(trusting, ...words);
    await probe.end();
    assertEquals(probe.dropped, 0, probe.stderr);
    await untilTrue("a request", () => server.log.includes("client application/x-protobuf"));

    await using stranger = new Probe(...words);
    await stranger.end();
    assertStringIncludes(stranger.stderr, "cannot send");
    assert(stranger.dropped > 0, stranger.stderr);

    const nothing = { OTEL_EXPORTER_OTLP_CERTIFICATE: file("none.pem") };
    await using astray = new Probe(nothing, ...words);
    await astray.end();
    assertEquals(astray.stderr.trimEnd().split("\n"), [
      `wire-probe: cannot read ${file("none.pem")}: No such file or directory`,
    ]);
    const nonsense = { ...trusting, OTEL_EXPORTER_OTLP_CLIENT_KEY: file("san") };
    await using wrong = new Probe(nonsense, ...words);
    await wrong.end();
    assertStringIncludes(wrong.stderr, "OTEL_EXPORTER_OTLP_CLIENT_KEY: wants files in PEM");
  },
);
