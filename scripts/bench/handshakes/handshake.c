/*
 * The bare system calls that the benchmark holds wire-probe against, without anything around them.
 *
 *   handshake connect PORT COUNT HOST   handshakes with 127.0.0.HOST:PORT, one after the other; a new
 *                                       HOST each SPREAD of them, since the kernel's search for a free
 *                                       port slows down among many that are in TIME_WAIT
 *   handshake over PORT COUNT FILE      the same with the IPv4 addresses of a file, a line each, in turn
 *   handshake pace PORT SECONDS FILE    each address of a file once a second, spread over it: how late each
 *                                       slot is, with nothing but these calls; a slot a second late is skipped
 *   handshake await PORT COUNT HOST     the same, AT_ONCE of them together, each until the server closes it:
 *                                       as fast as the server accepts, and its backlog never overflows
 *   handshake accept PORT               accepts and closes until SIGTERM; PORT 0 picks one
 *
 * All end with one line of JSON on stdout; `accept` prints its port on one before.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 4096, TIMEOUT_MS = 5000, MAX_RTT_US = 1 << 20, SPREAD = 10000, AT_ONCE = 64,
       MAX_ADDRESSES = 1 << 16, LAG_STEP_US = 10, MAX_LAG = 1000000 / LAG_STEP_US };

static unsigned rtt_counts[MAX_RTT_US];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_utime.tv_sec + use.ru_stime.tv_sec +
           (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static struct sockaddr_in address_of(unsigned host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(host);
    return address;
}

/* The calls of one probe; returns its SYN retransmits. */
static unsigned handshake(const struct sockaddr_in *to) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno != EINPROGRESS) {
        die("connect");
    }
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    if (poll(&waiting, 1, TIMEOUT_MS) != 1) die("poll");
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) die("getsockopt");
    if (info.tcpi_state == TCP_SYN_SENT) die("handshake");
    if (close(fd) != 0) die("close");
    rtt_counts[info.tcpi_rtt < MAX_RTT_US ? info.tcpi_rtt : MAX_RTT_US - 1]++;
    return info.tcpi_total_retrans;
}

static unsigned quantile(const unsigned *counts, unsigned most, long count, double q) {
    long rank = (long)(q * count), seen = 0;
    for (unsigned value = 0; value < most; value++) {
        seen += counts[value];
        if (seen > rank) return value;
    }
    return most;
}

static void report(long count, double started, double cpu_started, unsigned long retransmits) {
    printf("{\"handshakes\":%ld,\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"rttP50Us\":%u,"
           "\"rttP99Us\":%u,\"synRetransmits\":%lu}\n",
           count, seconds_now() - started, cpu_seconds() - cpu_started, quantile(rtt_counts, MAX_RTT_US, count, 0.5),
           quantile(rtt_counts, MAX_RTT_US, count, 0.99), retransmits);
}

static struct sockaddr_in addresses[MAX_ADDRESSES];

/* The addresses of a file; returns how many. */
static long read_addresses(int port, const char *file) {
    char line[64];
    long known = 0;
    FILE *lines = fopen(file, "r");
    if (lines == NULL) die(file);
    while (known < MAX_ADDRESSES && fgets(line, sizeof line, lines) != NULL) {
        line[strcspn(line, "\n")] = 0;
        addresses[known++] = address_of(ntohl(inet_addr(line)), port);
    }
    fclose(lines);
    if (known == 0) die("no address");
    return known;
}

static void run_over(int port, long count, const char *file) {
    const long known = read_addresses(port, file);
    const double started = seconds_now(), cpu_started = cpu_seconds();
    unsigned long retransmits = 0;
    for (long done = 0; done < count; done++) retransmits += handshake(&addresses[done % known]);
    report(count, started, cpu_started, retransmits);
}

static void run_pace(int port, long seconds, const char *file) {
    static unsigned lag_counts[MAX_LAG];
    const long known = read_addresses(port, file);
    const double started = seconds_now(), cpu_started = cpu_seconds();
    long sent = 0, skipped = 0;
    for (long slot = 0; slot < seconds * known; slot++) {
        const double due = started + (double)slot / known;
        double late = seconds_now() - due;
        if (late < 0) {
            const struct timespec until = {.tv_sec = (time_t)due,
                                           .tv_nsec = (long)((due - (time_t)due) * 1e9)};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
            late = seconds_now() - due;
        }
        if (late >= 1) {
            skipped++;
            continue;
        }
        const long lag = (long)(late * 1e6 / LAG_STEP_US);
        lag_counts[lag < 0 ? 0 : lag < MAX_LAG ? lag : MAX_LAG - 1]++;
        handshake(&addresses[slot % known]);
        sent++;
    }
    printf("{\"sent\":%ld,\"skipped\":%ld,\"cpuSeconds\":%.6f,\"lagP50Ms\":%.2f,\"lagP99Ms\":%.2f}\n",
           sent, skipped, cpu_seconds() - cpu_started,
           quantile(lag_counts, MAX_LAG, sent, 0.5) * LAG_STEP_US / 1e3,
           quantile(lag_counts, MAX_LAG, sent, 0.99) * LAG_STEP_US / 1e3);
}

static void run_connect(int port, long count, unsigned host) {
    const double started = seconds_now(), cpu_started = cpu_seconds();
    unsigned long retransmits = 0;
    for (long done = 0; done < count; host++) {
        const struct sockaddr_in to = address_of((INADDR_LOOPBACK & ~0xffu) + host, port);
        for (long i = 0; i < SPREAD && done < count; i++, done++) retransmits += handshake(&to);
    }
    report(count, started, cpu_started, retransmits);
}

static void run_await(int port, long count, unsigned host) {
    const double started = seconds_now(), cpu_started = cpu_seconds();
    for (long done = 0; done < count; done += AT_ONCE) {
        const unsigned at = (INADDR_LOOPBACK & ~0xffu) + host + done / SPREAD;
        const struct sockaddr_in to = address_of(at, port);
        int fds[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) {
            fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (fds[i] < 0) die("socket");
            if (connect(fds[i], (const struct sockaddr *)&to, sizeof to) != 0) die("connect");
        }
        for (int i = 0; i < AT_ONCE; i++) {
            char byte;
            if (read(fds[i], &byte, 1) != 0) die("read");
            close(fds[i]);
        }
    }
    printf("{\"seconds\":%.6f,\"cpuSeconds\":%.6f}\n", seconds_now() - started,
           cpu_seconds() - cpu_started);
}

static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

static void run_accept(int port) {
    struct sigaction on_stop = {.sa_handler = stop};
    sigaction(SIGTERM, &on_stop, NULL);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in at = address_of(INADDR_ANY, port);
    socklen_t size = sizeof at;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, size) != 0) die("bind");
    if (listen(listener, BACKLOG) != 0) die("listen");
    getsockname(listener, (struct sockaddr *)&at, &size);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    long accepted = 0;
    struct timeval wake = {.tv_sec = 0, .tv_usec = 100000};
    /* So that a SIGTERM just before accept4 is seen all the same. */
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &wake, sizeof wake);
    while (!stopped) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) continue;
        close(fd);
        accepted++;
    }
    printf("{\"accepted\":%ld,\"cpuSeconds\":%.6f}\n", accepted, cpu_seconds());
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "connect") == 0) {
        run_connect(atoi(argv[2]), atol(argv[3]), atoi(argv[4]));
    } else if (argc == 5 && strcmp(argv[1], "over") == 0) {
        run_over(atoi(argv[2]), atol(argv[3]), argv[4]);
    } else if (argc == 5 && strcmp(argv[1], "pace") == 0) {
        run_pace(atoi(argv[2]), atol(argv[3]), argv[4]);
    } else if (argc == 5 && strcmp(argv[1], "await") == 0) {
        run_await(atoi(argv[2]), atol(argv[3]), atoi(argv[4]));
    } else if (argc == 3 && strcmp(argv[1], "accept") == 0) {
        run_accept(atoi(argv[2]));
    } else {
        fprintf(stderr, "usage: handshake connect|await PORT COUNT HOST | over PORT COUNT FILE | pace PORT SECONDS FILE | accept PORT\n");
        return 2;
    }
    return 0;
}
