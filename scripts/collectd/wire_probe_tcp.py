"""TCP handshakes with many hosts side by side: names, addresses, and what each probe came to.

Beside wire_probe.py, which is the collectd plugin; knows nothing of collectd.
"""

import collections
import errno
import heapq
import os
import queue
import selectors
import socket
import struct
import sys
import threading
import time

MAX_GAP_S = 0.2  # After it a host's next probe starts, though the last is still unanswered.
MAX_LOOKUPS = 8
MAX_SOCKETS = 512  # A read's; the usual limit of file descriptors is 1024, for all of collectd.

# struct tcp_info (linux/tcp.h): u8 tcpi_state, u32 tcpi_rtt in microseconds, u32 total_retrans.
TCP_INFO_BYTES = 104
STATE_AT, RTT_AT, TOTAL_RETRANS_AT = 0, 68, 100
SYN_SENT, SYN_RECV = 2, 3
HAS_TCP_INFO = sys.platform == "linux" and hasattr(socket, "TCP_INFO")

# An answered handshake that the peer reset at once; before it, a reset is ECONNREFUSED.
RESET_AFTERWARDS = (errno.ECONNRESET, errno.EPIPE)
# This machine's lack, before any packet left: no probe, so no drop.
NOT_SENT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN,
            errno.EADDRNOTAVAIL)


def kernel_rtt_ms(info):
    """The handshake's round trip in a struct tcp_info, or None where that holds no sample of it.

    After a retransmitted SYN the kernel's value is worthless: it leaves out what the client waited.
    """
    if len(info) < TCP_INFO_BYTES or info[STATE_AT] in (SYN_SENT, SYN_RECV):
        return None
    if struct.unpack_from("=I", info, TOTAL_RETRANS_AT)[0]:
        return None
    return struct.unpack_from("=I", info, RTT_AT)[0] / 1000 or None


class Resolver:
    """Looks names up on threads of its own, for getaddrinfo takes no timeout."""

    def __init__(self, lookup=socket.getaddrinfo):
        self._lookup, self._asked, self._answers = lookup, queue.SimpleQueue(), queue.SimpleQueue()
        self._pending, self._workers, self._lock = set(), 0, threading.Lock()

    def ask(self, target):
        """Looks the target's name up, unless that is under way."""
        if target.series in self._pending:
            return
        self._pending.add(target.series)
        self._asked.put(target)
        with self._lock:
            if self._workers == MAX_LOOKUPS:
                return
            try:
                # Daemons, so that a resolver that hangs does not hold up the process's end.
                threading.Thread(target=self._work, daemon=True).start()
                self._workers += 1
            except RuntimeError as error:
                self._answers.put((target, None, str(error)))

    def take(self, wait_s=0.0):
        """The answers so far, as (target, addresses or None, error); waits for all that are due."""
        until = time.monotonic() + wait_s
        while self._pending:
            try:
                answer = self._answers.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return
            self._pending.discard(answer[0].series)
            yield answer

    def _work(self):
        while True:
            with self._lock:
                try:
                    target = self._asked.get_nowait()
                except queue.Empty:
                    self._workers -= 1
                    return
            self._answers.put((target, *look_up(self._lookup, target.host, target.port)))


def look_up(lookup, host, port, flags=0):
    """(addresses, None) or (None, error); an address is (family, sockaddr)."""
    try:
        found = lookup(host, port, 0, socket.SOCK_STREAM, socket.IPPROTO_TCP, flags)
    except (OSError, ValueError) as error:
        return None, getattr(error, "strerror", None) or str(error)
    addresses = [(family, sockaddr) for family, _, _, _, sockaddr in found]
    return addresses or None, None if addresses else "no address"


class Target:
    """One host: its addresses, of which one is used while it works, and what its last read gave."""

    def __init__(self, series, host, port):
        self.series, self.host, self.port = series, host, port
        self.addresses = look_up(socket.getaddrinfo, host, port, socket.AI_NUMERICHOST)[0] or []
        self.is_literal = bool(self.addresses)
        self.address = self.addresses[0] if self.addresses else None
        self.failures = 0
        self.trouble = None  # As last said in the log.
        self.begin()

    def begin(self):
        """Empties what a read fills."""
        self.sent, self.in_flight, self.rtts_ms, self.error = 0, 0, [], None

    def adopt(self, addresses):
        """Takes a look-up's addresses; stays with the one in use where it is still among them."""
        self.addresses = addresses
        if self.address not in addresses:
            self.address, self.failures = addresses[0], 0

    def move_on(self):
        """Takes the next address."""
        at = self.addresses.index(self.address) + 1
        self.address, self.failures = self.addresses[at % len(self.addresses)], 0


Probe = collections.namedtuple("Probe", "sock target sent_at")


class Read:
    """Probes all targets side by side; every probe that is sent gets the whole timeout.

    A target's next probe starts when an earlier one has ended, or a gap after the last at the
    latest, so that a lost one does not keep the others from being sent. What cannot start early
    enough to end within the budget is not sent.
    """

    def __init__(self, targets, count, timeout_s, budget_s, clock=time.monotonic):
        self._targets, self._count, self._timeout_s, self._clock = targets, count, timeout_s, clock
        self._begun = clock()
        self._last_start = self._begun + budget_s - timeout_s
        self._gap_s = min(MAX_GAP_S, (budget_s - timeout_s) / count)
        self._share = max(1, MAX_SOCKETS // max(1, len(targets)))
        self._starts = []  # Heap of (when, order, target, how many it has sent by then).
        self._order = 0
        self._probes = collections.OrderedDict()  # By socket, in the order of their deadlines.
        self._selector = None
        self.not_sent = None  # Why, where this machine could not send.

    def run(self):
        """Returns when every probe's fate is known; fills the targets."""
        for target in self._targets:
            target.begin()
            self._plan(target, self._begun)
        try:
            self._selector = selectors.DefaultSelector()
        except OSError as error:
            self.not_sent = error.strerror
            return
        try:
            while self._starts or self._probes:
                self._step()
        finally:
            for sock in self._probes:
                sock.close()
            self._selector.close()

    def _step(self):
        # Read before the wait: what is expired by it had its chance to be seen as ready.
        now = self._clock()
        while self._starts and (self._starts[0][0] <= now or self._is_stale(self._starts[0])):
            start = heapq.heappop(self._starts)
            if not self._is_stale(start) and now <= self._last_start:
                self._send(start[2])
        due = [self._starts[0][0]] if self._starts else []
        if self._probes:
            due.append(self._oldest().sent_at + self._timeout_s)
        if not due:
            return
        for key, _ in self._selector.select(max(0.0, min(due) - now)):
            self._answered(key.data)
        while self._probes and self._oldest().sent_at + self._timeout_s <= now:
            self._end(self._oldest(), None, errno.ETIMEDOUT)

    def _oldest(self):
        return next(iter(self._probes.values()))

    def _is_stale(self, start):
        """Its probe has been sent, or its target's sockets are all taken: an end plans anew."""
        _, _, target, sent = start
        return sent != target.sent or target.in_flight >= self._share

    def _plan(self, target, when):
        if target.sent < self._count and when <= self._last_start:
            self._order += 1
            heapq.heappush(self._starts, (when, self._order, target, target.sent))

    def _send(self, target):
        family, sockaddr = target.address
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self.not_sent = error.strerror
            return
        sock.setblocking(False)
        probe = self._probes[sock] = Probe(sock, target, self._clock())
        code = sock.connect_ex(sockaddr)
        if code in NOT_SENT:
            self.not_sent = os.strerror(code)
            del self._probes[sock]
            sock.close()
            return
        target.sent += 1
        target.in_flight += 1
        if code == errno.EINPROGRESS:
            self._selector.register(sock, selectors.EVENT_WRITE, probe)
            self._plan(target, probe.sent_at + self._gap_s)
        elif code == 0:
            self._answered(probe)
        else:
            self._end(probe, None, code)

    def _answered(self, probe):
        code = probe.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code and code not in RESET_AFTERWARDS:
            self._end(probe, None, code)
            return
        rtt_ms = (self._clock() - probe.sent_at) * 1000
        if HAS_TCP_INFO:
            info = probe.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
            rtt_ms = kernel_rtt_ms(info) or rtt_ms
        if rtt_ms > self._timeout_s * 1000:
            self._end(probe, None, errno.ETIMEDOUT)
        else:
            self._end(probe, rtt_ms, 0)

    def _end(self, probe, rtt_ms, code):
        del self._probes[probe.sock]
        if probe.sock in self._selector.get_map():
            self._selector.unregister(probe.sock)
        probe.sock.close()
        target = probe.target
        target.in_flight -= 1
        if rtt_ms is None:
            target.failures += 1
            target.error = os.strerror(code)
        else:
            target.failures = 0
            target.rtts_ms.append(rtt_ms)
        self._plan(target, self._clock())
