/** Error codes, negative as in Linux's system calls, so that a result is a count or an error and never both. */

declare const errnoBrand: unique symbol
export type Errno = number & { readonly [errnoBrand]: true }

const errno = (n: number) => -n as Errno

export const EBADF = /* @__PURE__ */ errno(9)
export const EAGAIN = /* @__PURE__ */ errno(11)
export const EINVAL = /* @__PURE__ */ errno(22)
export const EPIPE = /* @__PURE__ */ errno(32)
export const EMSGSIZE = /* @__PURE__ */ errno(90)
export const ENOPROTOOPT = /* @__PURE__ */ errno(92)
export const EPROTONOSUPPORT = /* @__PURE__ */ errno(93)
export const EOPNOTSUPP = /* @__PURE__ */ errno(95)
export const EADDRINUSE = /* @__PURE__ */ errno(98)
export const EADDRNOTAVAIL = /* @__PURE__ */ errno(99)
export const ENETUNREACH = /* @__PURE__ */ errno(101)
export const ECONNABORTED = /* @__PURE__ */ errno(103)
export const ECONNRESET = /* @__PURE__ */ errno(104)
export const ENOBUFS = /* @__PURE__ */ errno(105)
export const EISCONN = /* @__PURE__ */ errno(106)
export const ENOTCONN = /* @__PURE__ */ errno(107)
export const ETIMEDOUT = /* @__PURE__ */ errno(110)
export const ECONNREFUSED = /* @__PURE__ */ errno(111)
export const EHOSTUNREACH = /* @__PURE__ */ errno(113)

/** Whether a result is an error rather than a count or a handle. */
export const isErrno = (result: number): result is Errno => result < 0
