/** Error codes, negative as in Linux's system calls, so that a result is a count or an error and never both. */

declare const errnoBrand: unique symbol
export type Errno = number & { readonly [errnoBrand]: true }

/** Linux's numbers (asm-generic/errno.h), below zero. What each means stands with the call that returns it: stack.ts. */
export const ENOENT = -2 as Errno
export const ESRCH = -3 as Errno
export const EBADF = -9 as Errno
export const EAGAIN = -11 as Errno
export const EACCES = -13 as Errno
export const EBUSY = -16 as Errno
export const EEXIST = -17 as Errno
export const ENODEV = -19 as Errno
export const EINVAL = -22 as Errno
export const EPIPE = -32 as Errno
export const ENODATA = -61 as Errno
export const EPROTO = -71 as Errno
export const EMSGSIZE = -90 as Errno
export const ENOPROTOOPT = -92 as Errno
export const EPROTONOSUPPORT = -93 as Errno
export const EOPNOTSUPP = -95 as Errno
export const EAFNOSUPPORT = -97 as Errno
export const EADDRINUSE = -98 as Errno
export const EADDRNOTAVAIL = -99 as Errno
export const ENETUNREACH = -101 as Errno
export const ECONNABORTED = -103 as Errno
export const ECONNRESET = -104 as Errno
export const ENOBUFS = -105 as Errno
export const EISCONN = -106 as Errno
export const ENOTCONN = -107 as Errno
export const ETIMEDOUT = -110 as Errno
export const ECONNREFUSED = -111 as Errno
export const EHOSTUNREACH = -113 as Errno

/** Whether a result is an error rather than a count or a handle. */
export const isErrno = (result: number): result is Errno => result < 0
