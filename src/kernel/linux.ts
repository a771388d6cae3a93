/**
 * Numbers of Linux by the names that its headers give them, on x86-64 and aarch64. The layout of a
 * struct stands beside the code that reads it.
 */

// <bits/socket.h>, <bits/socket_type.h>
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
/** With recv(2) on a netlink socket: the whole length, also of what was cut. */
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
// <sys/socket.h>
export const SHUT_RDWR = 2;

// <asm-generic/socket.h>
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_DONTROUTE = 5;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;
export const SO_RCVTIMEO = 20;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_RCVBUFFORCE = 33;
export const SO_TIMESTAMPNS = 35;
export const SO_TIMESTAMPING = 37;
export const SO_MEMINFO = 55;
/** <linux/sock_diag.h>: the words of SO_MEMINFO, and the places of some of them. */
export const SK_MEMINFO_VARS = 9;
export const SK_MEMINFO_RMEM_ALLOC = 0;
export const SK_MEMINFO_RCVBUF = 1;
export const SK_MEMINFO_DROPS = 8;
// <linux/net_tstamp.h>
export const SOF_TIMESTAMPING_TX_SOFTWARE = 1 << 1;
export const SOF_TIMESTAMPING_RX_SOFTWARE = 1 << 3;
export const SOF_TIMESTAMPING_SOFTWARE = 1 << 4;
export const SOF_TIMESTAMPING_OPT_ID = 1 << 7;
export const SOF_TIMESTAMPING_OPT_TSONLY = 1 << 11;

// <linux/in.h>, ip(7)
export const SOL_IP = 0;
export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_HDRINCL = 3;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
export const IP_RECVTTL = 12;
/** The port is chosen at connect, so one source address serves many targets. */
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IP_RECVERR_RFC4884 = 26;
export const IP_UNICAST_IF = 50;
// <linux/in6.h>, ipv6(7)
export const SOL_IPV6 = 41;
export const IPV6_CHECKSUM = 7;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVERR_RFC4884 = 31;
export const IPV6_FLOWLABEL_MGR = 32;
export const IPV6_FLOWINFO_SEND = 33;
export const IPV6_RTHDR = 57;
export const IPV6_RECVHOPLIMIT = 51;
export const IPV6_HOPLIMIT = 52;
export const IPV6_TCLASS = 67;
export const IPV6_UNICAST_IF = 76;
/** IP_PMTUDISC_PROBE, IPV6_PMTUDISC_PROBE: never fragment here, whatever is known of the path. */
export const PMTUDISC_PROBE = 3;

// <netinet/tcp.h>, tcp(7)
export const SOL_TCP = 6;
export const TCP_INFO = 11;
export const TCP_QUICKACK = 12;
// <net/tcp_states.h>
export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_SYN_RECV = 3;
export const TCP_FIN_WAIT1 = 4;
export const TCP_FIN_WAIT2 = 5;
export const TCP_CLOSE = 7;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LAST_ACK = 9;
export const TCP_LISTEN = 10;
export const TCP_CLOSING = 11;

// <linux/netlink.h>
export const NETLINK_SOCK_DIAG = 4;

// <linux/errqueue.h>, struct sock_extended_err, ee_origin: who tells of a packet
export const SO_EE_ORIGIN_NONE = 0;
export const SO_EE_ORIGIN_ICMP = 2;
export const SO_EE_ORIGIN_ICMP6 = 3;
export const SO_EE_ORIGIN_TIMESTAMPING = 4;
export const SO_EE_RFC4884_FLAG_INVALID = 1;

// <linux/rtnetlink.h>, rtnetlink(7)
export const NETLINK_ROUTE = 0;
export const RTM_NEWROUTE = 24;
export const RTM_GETROUTE = 26;
export const NLMSG_ERROR = 2;
export const NLM_F_REQUEST = 1;
export const RTA_DST = 1;
export const RTA_SRC = 2;
export const RTA_OIF = 4;
export const RTA_GATEWAY = 5;
export const RTA_PREFSRC = 7;
export const RTA_IP_PROTO = 27;
export const RTA_SPORT = 28;
export const RTA_DPORT = 29;
export const RTA_FLOWLABEL = 31;

// <sys/epoll.h>
export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLONESHOT = 1 << 30;

// <fcntl.h>
export const O_RDONLY = 0;
export const O_DIRECTORY = 0o200000;
export const O_CLOEXEC = 0o2000000;
// <bits/resource.h>
export const RLIMIT_NOFILE = 7;
// <bits/signum-generic.h>, <bits/signum-arch.h>
export const SIGSTOP = 19;
// <time.h>
export const CLOCK_REALTIME = 0;
// <sys/mman.h>
export const MADV_DONTNEED = 4;
// <elf.h>, getauxval(3)
export const AT_PHDR = 3n;
export const AT_PHNUM = 5n;
export const AT_PAGESZ = 6n;
export const PT_LOAD = 1;
export const PT_PHDR = 6;
export const PF_W = 2;

/** <asm-generic/errno-base.h>, <asm-generic/errno.h>: those that these calls can give. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  ENODEV: 19,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENONET: 64,
  EPROTO: 71,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
} as const;
