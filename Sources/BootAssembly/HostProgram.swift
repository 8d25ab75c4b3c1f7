// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc

/// Where the host keeps programs that an ordinary user's `PATH` does not reach.
enum HostProgram {
  /// The path of a program in `/usr/sbin`, or its bare name where it is not there.
  static func administrative(_ name: String) -> String {
    let path = "/usr/sbin/" + name
    return access(path, X_OK) == 0 ? path : name
  }
}
