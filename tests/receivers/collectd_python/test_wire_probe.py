"""The collectd plugin without collectd: its options, its values, and handshakes on loopback."""

import math
import os
import socket
import struct
import sys
import threading
import time
import types
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts" / "collectd"))

import wire_probe  # noqa: E402
import wire_probe_tcp as tcp  # noqa: E402


def node(key, *values):
    return types.SimpleNamespace(key=key, values=values, children=[])


def options(*nodes, taken=None):
    return wire_probe.Options(types.SimpleNamespace(children=nodes), taken or {})


def tcp_info(state=1, rtt_us=4120, retrans=0):
    info = bytearray(tcp.TCP_INFO_BYTES)
    info[0] = state
    struct.pack_into("=I", info, 68, rtt_us)
    struct.pack_into("=I", info, 100, retrans)
    return bytes(info)


def listener(backlog=128):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(backlog)
    return server


def target(server, name="t"):
    return tcp.Target(name, *server.getsockname())


class FullListener:
    """A listener whose backlog is full: the kernel drops each further SYN."""

    def __enter__(self):
        self.server, self.clients = listener(0), []
        while len(self.clients) < 64:
            client = socket.socket()
            client.settimeout(0.1)
            self.clients.append(client)
            try:
                client.connect(self.server.getsockname())
            except socket.timeout:
                self.clients.pop().close()
                return self
        raise AssertionError("the backlog does not fill up")

    def __exit__(self, *_):
        for sock in [self.server, *self.clients]:
            sock.close()

    def empty(self):
        for _ in self.clients:
            self.server.accept()[0].close()


class CollectdDouble:
    """What of the module `collectd` the plugin uses."""

    def __init__(self, interval=10.0):
        self.lines, self.dispatched, self.reads, self.inits = [], [], [], []
        self.get_interval = lambda: interval
        double = self

        class Values:
            interval = None

            def __init__(self, type):
                self.type = type

            def dispatch(self, values):
                double.dispatched.append(
                    (self.plugin, self.type, self.type_instance, values[0], self.interval))

        self.Values = Values
        for level in ("error", "warning", "info"):
            setattr(self, level, lambda text, level=level: self.lines.append((level, text)))

    def register_init(self, callback, name):
        self.inits.append((callback, name))

    def register_read(self, callback, interval=None, name=None):
        self.reads.append((callback, interval, name))


class WithCollectd(unittest.TestCase):
    def setUp(self):
        self.collectd = wire_probe.collectd = CollectdDouble()
        wire_probe.taken_series.clear()
        self.sockets = descriptors()

    def tearDown(self):
        wire_probe.collectd = None
        self.assertEqual(descriptors(), self.sockets, "descriptors left open")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


class Values(unittest.TestCase):
    def test_the_kernel_s_rtt_is_taken_in_any_state_after_the_handshake(self):
        for state in (1, 7, 8):
            self.assertEqual(tcp.kernel_rtt_ms(tcp_info(state)), 4.12)

    def test_there_is_no_sample_before_it_at_zero_after_a_lost_syn_or_from_an_old_kernel(self):
        for info in (tcp_info(state=2), tcp_info(state=3), tcp_info(rtt_us=0),
                     tcp_info(retrans=1), tcp_info()[:100]):
            self.assertIsNone(tcp.kernel_rtt_ms(info))

    def test_values_are_the_stock_ping_plugin_s(self):
        self.assertEqual(wire_probe.stock_values(0, [], "mean"), [])
        ping, stddev, drops = (v for _, v in wire_probe.stock_values(2, [], "mean"))
        self.assertTrue(math.isnan(ping) and math.isnan(stddev))
        self.assertEqual(drops, 1.0)
        self.assertEqual(wire_probe.stock_values(1, [3.0], "median"),
                         [("ping", 3.0), ("ping_stddev", 0.0), ("ping_droprate", 0.0)])
        for aggregate, value in (("mean", 4.0), ("avg", 4.0), ("min", 1.0), ("median", 2.0)):
            self.assertEqual(wire_probe.stock_values(4, [1.0, 9.0, 2.0], aggregate)[0][1], value)
        _, (_, stddev), (_, drops) = wire_probe.stock_values(4, [1.0, 9.0, 2.0], "min")
        self.assertAlmostEqual(stddev, math.sqrt(19))
        self.assertEqual(drops, 0.25)


class Configuration(WithCollectd):
    def test_an_empty_block_has_the_defaults_and_misses_a_host(self):
        found = options()
        self.assertEqual(
            (found.port, found.timeout, found.pingcount, found.aggregate, found.interval,
             found.plugin), (9999, 5.0, 1, "mean", None, "wire_probe"))
        self.assertEqual(found.errors, ["option Host is missing: name at least one host"])

    def test_hosts_take_the_port_option_wherever_it_stands(self):
        found = options(*(node("Host", host) for host in (
            "db", "db:5432", "10.0.0.1", "::1", "[::2]", "[fe80::1%eth0]:22")), node("PORT", 7.0))
        self.assertEqual(found.errors, [])
        self.assertEqual(found.targets, {
            "db": ("db", 7), "db_5432": ("db", 5432), "10.0.0.1": ("10.0.0.1", 7),
            "::1": ("::1", 7), "::2": ("::2", 7), "fe80::1%eth0_22": ("fe80::1%eth0", 22)})

    def test_an_error_names_the_option_the_value_and_what_is_accepted(self):
        host = "host, host:port, IP address or [v6]:port, with a port from 1 to 65535"
        names = "Host, Port, Timeout, PingCount, Aggregate, Interval, Plugin"
        for given, message in (
            (node("Port", 0.0), "option Port 0; accepted: a whole number from 1 to 65535"),
            (node("Port", "http"), "option Port 'http'; accepted: a whole number from 1 to 65535"),
            (node("Port", 80.5), "option Port 80.5; accepted: a whole number from 1 to 65535"),
            (node("Port", True), "option Port 1; accepted: a whole number from 1 to 65535"),
            (node("Timeout", 90.0), "option Timeout 90; accepted: a number from 0.001 to 60"),
            (node("Timeout", "nan"), "option Timeout 'nan'; accepted: a number from 0.001 to 60"),
            (node("PingCount", 101.0),
             "option PingCount 101; accepted: a whole number from 1 to 100"),
            (node("Interval"), "option Interval (none); accepted: one value"),
            (node("Aggregate", "max"), "option Aggregate 'max'; accepted: mean, min or median"),
            (node("Plugin", "wire-probe"), "option Plugin 'wire-probe'; accepted: letters, digits "
                                           "and _, for example wire_probe or ping"),
            (node("Prot", 1.0), f"option Prot is unknown; accepted: {names}; did you mean Port?"),
            (node("Host", "a", "b"), "option Host 'a' 'b'; accepted: one value"),
            (node("Host", "x" * 61 + "." + "y" * 63 + ":99"),
             f"option Host '{'x' * 61}.{'y' * 63}:99'; accepted: at most 127 bytes"),
            *((node("Host", bad), f"option Host {bad!r}; accepted: {host}") for bad in (
                "", "db:", "db:0", "db:65536", "db:x", ":80", "[::1", "[::1]x", "[db]:1", "a b",
                "a/b", "a..b", "1:2:3", "db:\u00b2")),
        ):
            with self.subTest(message):
                self.assertEqual(options(node("Host", "ok"), given).errors, [message])

    def test_a_target_given_twice_is_probed_once_and_two_never_share_a_series(self):
        found = options(node("Host", "db"), node("Host", "db"))
        self.assertEqual((len(found.targets), found.errors), (1, []))
        self.assertIn("given twice", self.collectd.lines[0][1])
        taken = {("ping", "db"): ("db", 9999)}
        self.assertEqual(options(node("Host", "db"), node("Port", 1.0), taken=taken).errors, [])
        self.assertIn("would share the series ping/ping-db", options(
            node("Plugin", "ping"), node("Host", "db"), node("Port", 1.0), taken=taken).errors[0])

    def test_a_block_with_an_error_is_left_out_and_others_are_read_under_names_of_their_own(self):
        for children in ([node("Host", "db"), node("Port", 0.0)], [node("Host", "127.0.0.1")],
                         [node("Host", "127.0.0.2"), node("Interval", 2.0)]):
            wire_probe.configure(types.SimpleNamespace(children=children))
        self.assertEqual([level for level, _ in self.collectd.lines], ["error", "error"])
        self.assertEqual([interval for _, interval, _ in self.collectd.reads], [None, 2.0])
        self.assertEqual(len({name for _, _, name in self.collectd.reads}), 2)


class Handshakes(WithCollectd):
    def read(self, *targets, count=1, timeout=1.0, budget=2.0, clock=time.monotonic):
        began = time.monotonic()
        tcp.Read(targets, count, timeout, budget, clock).run()
        return time.monotonic() - began

    def test_an_answer_is_timed_by_the_kernel(self):
        with listener() as server:
            there = target(server)
            took = self.read(there, count=5)
        self.assertEqual((there.sent, len(there.rtts_ms), there.in_flight), (5, 5, 0))
        for rtt in there.rtts_ms:
            self.assertTrue(0 < rtt < took * 1000)
            self.assertAlmostEqual(rtt * 1000, round(rtt * 1000), 6, "whole microseconds")

    def test_a_server_that_closes_or_resets_at_once_has_answered(self):
        for linger in (None, struct.pack("ii", 1, 0)):
            with listener() as server:
                if linger:
                    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                server.settimeout(2)
                ender = threading.Thread(
                    target=lambda: [server.accept()[0].close() for _ in range(50)])
                ender.start()
                there = target(server)
                self.read(there, count=50)
                ender.join()
            self.assertEqual((there.sent, len(there.rtts_ms)), (50, 50))

    def test_a_reset_seen_before_the_answer_still_leaves_the_kernel_s_rtt(self):
        with listener() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            there = target(server)
            read = tcp.Read([there], 1, 1.0, 2.0)
            answered = read._answered

            def reset_first(probe):
                server.accept()[0].close()
                answered(probe)

            read._answered = reset_first
            read.run()
        self.assertEqual(len(there.rtts_ms), 1)
        self.assertLess(there.rtts_ms[0], 100)

    def test_a_refused_connect_is_a_drop(self):
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            there = target(bound)
            took = self.read(there, count=3, timeout=10.0, budget=20.0)
        self.assertEqual((there.sent, there.rtts_ms), (3, []))
        self.assertEqual((there.failures, there.error), (3, "Connection refused"))
        self.assertLess(took, 9.0)  # Not one of them was waited for.

    def test_a_silent_host_is_lost_after_the_timeout_and_holds_no_other_up(self):
        with FullListener() as full, listener() as server:
            dead, dead_too, there = target(full.server), target(full.server), target(server)
            took = self.read(dead, dead_too, there, count=3, timeout=1.0, budget=6.0)
        self.assertEqual((dead.sent, dead.rtts_ms, dead_too.sent), (3, [], 3))
        self.assertEqual(dead.error, "Connection timed out")
        self.assertEqual(len(there.rtts_ms), 3)
        self.assertTrue(1.0 <= took < 5.0, took)  # One after the other: 6 s.

    def test_after_a_lost_syn_the_value_is_the_wait_of_the_connect(self):
        with FullListener() as full:
            there = target(full.server)

            def empty_when_a_syn_is_lost():
                while there.sent == 0:
                    time.sleep(0.01)
                full.empty()

            emptier = threading.Thread(target=empty_when_a_syn_is_lost)
            emptier.start()
            self.read(there, timeout=10.0, budget=20.0)
            emptier.join()
        self.assertEqual(len(there.rtts_ms), 1)
        self.assertGreater(there.rtts_ms[0], 900)

    def test_a_read_stays_within_its_budget_and_sends_only_what_gets_the_whole_timeout(self):
        with FullListener() as full:
            dead = target(full.server)
            took = self.read(dead, count=100, timeout=0.4, budget=0.6)
        self.assertTrue(0 < dead.sent <= 100, dead.sent)
        self.assertEqual((dead.rtts_ms, dead.in_flight), ([], 0))
        self.assertLess(took, 10.0)  # One after the other: 40 s.

    def test_what_a_stalled_read_could_not_send_is_not_counted(self):
        with listener() as server:
            there, ticks = target(server), iter([0.0, 2.0])
            self.read(there, clock=lambda: next(ticks, 2.0))
        self.assertEqual(wire_probe.stock_values(there.sent, there.rtts_ms, "mean"), [])

    def test_a_machine_out_of_descriptors_invents_no_drop(self):
        with listener() as server:
            there = target(server)
            read = tcp.Read([there], 1, 1.0, 2.0)
            original = socket.socket
            try:
                def none(*_):
                    raise OSError(24, "Too many open files")

                socket.socket = none
                read.run()
            finally:
                socket.socket = original
        self.assertEqual((there.sent, read.not_sent), (0, "Too many open files"))

    def test_an_exception_leaves_no_socket_open(self):
        with FullListener() as full, listener() as server:
            read = tcp.Read([target(full.server), target(server)], 2, 1.0, 2.0)
            read._answered = None
            self.assertRaises(TypeError, read.run)


class Names(WithCollectd):
    def prober(self, lookup, *nodes):
        return wire_probe.Prober(options(*nodes), tcp.Resolver(lookup))

    def test_a_resolver_that_hangs_holds_nothing_up_and_makes_no_drop(self):
        hang = threading.Event()

        def lookup(*_):
            hang.wait(60)
            raise socket.gaierror(-2, "Name or service not known")

        with listener() as server:
            port = server.getsockname()[1]
            prober = self.prober(lookup, node("Host", "slow"), node("Host", f"127.0.0.1:{port}"))
            began = time.monotonic()
            prober.start()
            prober.read()
        self.assertLess(time.monotonic() - began, wire_probe.RESOLVE_AT_START_S + 10)
        self.assertEqual([d[:3] for d in self.collectd.dispatched], [
            ("wire_probe", kind, f"127.0.0.1_{port}")
            for kind in ("ping", "ping_stddev", "ping_droprate")])
        hang.set()
        prober._resolve(2.0)
        self.assertEqual(self.collectd.lines, [("warning", (
            "wire_probe: slow: cannot resolve: Name or service not known; nothing is sent to it"))])

    def test_a_name_is_resolved_once_and_again_after_five_failures(self):
        with socket.socket() as bound, listener() as server:
            bound.bind(("127.0.0.1", 0))
            lookups = []

            def lookup(*asked):
                where = server if lookups else bound
                lookups.append(asked)
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", where.getsockname())]

            prober = self.prober(lookup, node("Host", "db"), node("Interval", 1.0))
            prober.start()
            for _ in range(5):
                self.assertEqual(len(lookups), 1)
                prober.read()
            prober._resolve(2.0)
            prober.read()
        self.assertEqual(len(lookups), 2)
        drops = [d for d in self.collectd.dispatched if d[1] == "ping_droprate"]
        self.assertEqual([d[3] for d in drops], [1.0] * 5 + [0.0])
        self.assertEqual({d[4] for d in drops}, {1.0})
        self.assertEqual([level for level, _ in self.collectd.lines],
                         ["warning", "warning", "info"])

    def test_the_next_address_is_taken_and_the_one_in_use_kept(self):
        there = tcp.Target("db", "no.such.host.invalid", 1)
        self.assertFalse(there.is_literal)
        there.adopt(["a", "b"])
        there.move_on()
        there.adopt(["c", "b"])
        self.assertEqual(there.address, "b")
        there.move_on()
        self.assertEqual(there.address, "c")
        there.adopt(["d"])
        self.assertEqual(there.address, "d")

    def test_a_timeout_that_the_interval_has_no_room_for_is_cut_and_said(self):
        self.collectd.get_interval = lambda: 1.0
        prober = self.prober(None, node("Host", "127.0.0.1"))
        prober.start()
        self.assertAlmostEqual(prober._timeout_s, 0.6)
        self.assertEqual(self.collectd.lines[0][1], (
            "wire_probe: option Timeout 5 is cut to 0.6 s, for reads come every 1 s"))


if __name__ == "__main__":
    unittest.main()
