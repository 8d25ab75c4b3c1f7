// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc

/// How many files and sockets this process may have open. By default 1024, because of programs that use select(2).
enum DescriptorLimit {
  /// What all limits of the service together need: connections with a file each, and transfers with theirs.
  static let wanted: rlim_t = 8192

  /// Raises the limit as far as this user may; where that is not enough, connections wait in the kernel.
  static func raise() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else { return }
    limit.rlim_cur = min(wanted, limit.rlim_max)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
