"""collectd plugin: how long TCP handshakes take, in the stock ping plugin's value types.

Options and their meaning stand in wire_probe.conf. Needs wire_probe_tcp.py beside it and Python
3.9, its standard library only.
"""

import difflib
import ipaddress
import itertools
import logging
import math
import statistics
import time

import wire_probe_tcp as tcp

try:
    import collectd
except ImportError:  # Outside of collectd: the unit tests.
    collectd = None

NAME = "wire_probe"
FALLBACK_INTERVAL_S = 10.0
BUDGET_RATIO = 0.8  # Of the interval: a read that takes all of it delays the next.
TIMEOUT_RATIO = 0.75  # Of the budget, at most: the rest is for the starts of later probes.
RESOLVE_AFTER = 5  # Failed probes in a row.
RESOLVE_AT_START_S = 1.0
MAX_PART_BYTES = 127  # DATA_MAX_NAME_LEN less its zero: a part of collectd's identifier.
# "avg" is the original plugin's word for the mean.
AGGREGATES = {"mean": statistics.fmean, "avg": statistics.fmean, "min": min,
              "median": statistics.median}

taken_series = {}  # (host, port) by (plugin, series), of every block.
block_numbers = itertools.count(1)  # Callbacks of one name would replace each other.


def say(level, text):
    """Writes to collectd's log; level is error, warning or info."""
    getattr(logging.getLogger(NAME) if collectd is None else collectd, level)(f"{NAME}: {text}")


def stock_values(sent, rtts_ms, aggregate):
    """What the stock ping plugin dispatches, as (type, value); nothing when nothing was sent."""
    if not sent:
        return []
    answered = len(rtts_ms)
    deviation = statistics.stdev(rtts_ms) if answered > 1 else 0.0
    return [
        ("ping", AGGREGATES[aggregate](rtts_ms) if answered else math.nan),
        ("ping_stddev", deviation if answered else math.nan),
        ("ping_droprate", (sent - answered) / sent),
    ]


def number(low, high, whole=False):
    """A reader of a number from low to high; a string of digits is taken as well."""
    accepted = f"a {'whole ' if whole else ''}number from {low} to {high}"

    def read(value):
        try:
            found = math.nan if isinstance(value, bool) else float(value)
        except ValueError:
            found = math.nan
        if not low <= found <= high or (whole and found != int(found)):
            raise ValueError(accepted)
        return int(found) if whole else found

    return read


def read_aggregate(value):
    if str(value).lower() not in AGGREGATES:
        raise ValueError("mean, min or median")
    return str(value).lower()


def read_plugin(value):
    # A hyphen would begin collectd's plugin instance.
    name = str(value)
    if not name.replace("_", "a").isalnum() or not name.isascii() or len(name) > MAX_PART_BYTES:
        raise ValueError("letters, digits and _, for example wire_probe or ping")
    return name


def read_host(value):
    """(host, port or None) of `host`, `host:port`, `v6`, `[v6]` or `[v6]:port`."""
    accepted = ValueError("host, host:port, IP address or [v6]:port, with a port from 1 to 65535")
    text = value if isinstance(value, str) else ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not is_ip6(host) or (rest and rest[0] != ":"):
            raise accepted
        port = rest[1:] if rest else None
    elif is_ip6(text):
        host, port = text, None
    else:
        host, colon, port = text.partition(":")
        port = port if colon else None
        try:
            host.encode("idna")
        except UnicodeError:
            raise accepted from None
    if not host or any(c in "/[]\\" or c.isspace() or not c.isprintable() for c in host):
        raise accepted
    if port is not None:
        if not (port.isascii() and port.isdigit() and len(port) < 6 and 1 <= int(port) <= 65535):
            raise accepted
        port = int(port)
    if len(series_of(host, port).encode()) > MAX_PART_BYTES:
        raise ValueError(f"at most {MAX_PART_BYTES} bytes")
    return host, port


def is_ip6(text):
    try:
        ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def series_of(host, port):
    """The type instance: a port of its own is part of it, that of the Port option is not."""
    return host if port is None else f"{host}_{port}"


READERS = {
    "host": ("Host", read_host),
    "port": ("Port", number(1, 65535, whole=True)),
    "timeout": ("Timeout", number(0.001, 60)),
    "pingcount": ("PingCount", number(1, 100, whole=True)),
    "aggregate": ("Aggregate", read_aggregate),
    "interval": ("Interval", number(0.1, 86400)),
    "plugin": ("Plugin", read_plugin),
}


class Options:
    """One Module block as typed values, with every error in it."""

    def __init__(self, block, taken):
        """`taken` holds (host, port) by (plugin, series), of the blocks before this one."""
        self.port, self.timeout, self.pingcount = 9999, 5.0, 1
        self.aggregate, self.interval, self.plugin = "mean", None, NAME
        self.hosts, self.targets, self.errors = [], {}, []
        for node in block.children:
            self._read(node)
        for host, port in self.hosts:
            self._add_target(host, port, taken)
        if not self.hosts and not self.errors:
            self.errors.append("option Host is missing: name at least one host")
        if len(self.targets) > tcp.MAX_SOCKETS:
            self.errors.append(f"option Host: {len(self.targets)} hosts; accepted: at most "
                               f"{tcp.MAX_SOCKETS} a Module block, and several blocks")

    def _read(self, node):
        key = node.key.lower()
        if key not in READERS:
            near = difflib.get_close_matches(key, READERS, 1)
            hint = f"; did you mean {READERS[near[0]][0]}?" if near else ""
            names = ", ".join(name for name, _ in READERS.values())
            self.errors.append(f"option {node.key} is unknown; accepted: {names}{hint}")
            return
        name, read = READERS[key]
        shown = [repr(v) if isinstance(v, str) else f"{v:.12g}" for v in node.values]
        try:
            if len(node.values) != 1 or node.children:
                raise ValueError("one value")
            value = read(node.values[0])
        except ValueError as error:
            self.errors.append(f"option {name} {' '.join(shown) or '(none)'}; accepted: {error}")
            return
        if key == "host":
            self.hosts.append(value)
        else:
            setattr(self, key, value)

    def _add_target(self, host, port, taken):
        series, target = series_of(host, port), (host, port or self.port)
        other = self.targets.get(series) or taken.get((self.plugin, series))
        if other is None:
            self.targets[series] = target
        elif other == target:
            say("warning", f"option Host '{host}': given twice with port {target[1]}, probed once")
        else:
            self.errors.append(f"option Host '{host}': {other[0]} port {other[1]} and {host} port "
                               f"{target[1]} would share the series {self.plugin}/ping-{series}; "
                               "accepted: one of them, or another Plugin name for this block")


class Prober:
    """One Module block at work."""

    def __init__(self, options, resolver=None, clock=time.monotonic):
        self.options, self._clock, self._resolver = options, clock, resolver or tcp.Resolver()
        self.targets = [tcp.Target(series, *at) for series, at in options.targets.items()]
        self._budget_s, self._timeout_s = None, None
        self._short = None

    def start(self):
        """Looks the names up; here and not before, as collectd may fork after its configuration."""
        interval_s = self.options.interval or collectd_interval_s()
        self._budget_s = interval_s * BUDGET_RATIO
        self._timeout_s = min(self.options.timeout, self._budget_s * TIMEOUT_RATIO)
        if self._timeout_s < self.options.timeout:
            say("warning", f"option Timeout {self.options.timeout:g} is cut to "
                           f"{self._timeout_s:g} s, for reads come every {interval_s:g} s")
        self._resolve(RESOLVE_AT_START_S)

    def read(self):
        """collectd's callback: measures, then dispatches."""
        if self._budget_s is None:
            self.start()
        self._resolve()
        ready = [target for target in self.targets if target.address]
        read = tcp.Read(ready, self.options.pingcount, self._timeout_s, self._budget_s, self._clock)
        read.run()
        if read.not_sent and read.not_sent != self._short:
            say("warning", f"cannot send probes: {read.not_sent}; they are not counted")
        self._short = read.not_sent
        for target in ready:
            for kind, value in stock_values(target.sent, target.rtts_ms, self.options.aggregate):
                self._dispatch(target, kind, value)
            self._judge(target)

    def _resolve(self, wait_s=0.0):
        for target in self.targets:
            if target.address is None:
                self._resolver.ask(target)
        for target, addresses, error in self._resolver.take(wait_s):
            if addresses:
                target.adopt(addresses)
            if target.address is None:
                tell(target, f"cannot resolve: {error}; nothing is sent to it")

    def _judge(self, target):
        if not target.sent:
            return
        tell(target, None if target.rtts_ms else f"no handshake with {target.address[1][0]} port "
                                                 f"{target.port}: {target.error}")
        if target.failures >= RESOLVE_AFTER and not target.is_literal:
            target.move_on()
            self._resolver.ask(target)

    def _dispatch(self, target, kind, value):
        values = collectd.Values(type=kind)
        values.plugin, values.type_instance = self.options.plugin, target.series
        if self.options.interval:
            values.interval = self.options.interval
        values.dispatch(values=[value])


def tell(target, trouble):
    """Logs a target's trouble when it begins or changes, and its end."""
    if trouble == target.trouble:
        return
    if trouble:
        say("warning", f"{target.series}: {trouble}")
    else:
        say("info", f"{target.series}: answers again")
    target.trouble = trouble


def collectd_interval_s():
    """The interval that collectd.conf gives this plugin."""
    given = collectd.get_interval() if hasattr(collectd, "get_interval") else 0.0
    return given if given > 0 else FALLBACK_INTERVAL_S


def configure(block):
    """collectd's callback, once a Module block. A block with an error is not probed at all."""
    options = Options(block, taken_series)
    if options.errors:
        for error in options.errors:
            say("error", f"cannot configure: {error}")
        say("error", "this Module block is left out until it is corrected")
        return
    taken_series.update(((options.plugin, s), at) for s, at in options.targets.items())
    prober = Prober(options)
    name = f"{NAME}.{next(block_numbers)}"
    collectd.register_init(prober.start, name=name)
    if options.interval:
        collectd.register_read(prober.read, options.interval, name=name)
    else:
        collectd.register_read(prober.read, name=name)


if collectd is not None:
    collectd.register_config(configure)
