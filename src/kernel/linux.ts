/** Numbers of Linux that several files need, by the names that its headers give them. */

// <bits/socket.h>, <bits/socket_type.h>
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;

// <asm-generic/socket.h>
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_LINGER = 13;
export const SO_ATTACH_FILTER = 26;
export const SO_TIMESTAMPNS = 35;
export const SO_TIMESTAMPING = 37;

// <linux/in.h>, <linux/in6.h>
export const SOL_IP = 0;
export const IP_TTL = 2;
export const IP_RECVERR = 11;
export const SOL_IPV6 = 41;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_RECVERR = 25;

// <netinet/tcp.h>
export const SOL_TCP = 6;
export const TCP_INFO = 11;

// <asm-generic/errno.h>
export const EAGAIN = 11;
export const ENOBUFS = 105;
export const EINPROGRESS = 115;
