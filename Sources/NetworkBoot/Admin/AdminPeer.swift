// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc

/// Who is at the other end of the admin socket, as the kernel says: no password, nothing to be guessed.
struct AdminPeer: Sendable, Hashable {
  /// The user's number.
  var user: UInt32
  /// All groups of the process.
  var groups: Set<UInt32>

  /// Asks the kernel; nil where it does not say, and then nothing is allowed.
  init?(of descriptor: CInt) {
    var (user, group): (UInt32, UInt32) = (0, 0)
    guard linux_peer(descriptor, &user, &group) == 0 else { return nil }
    // NGROUPS_MAX, linux/limits.h.
    var others = [UInt32](repeating: 0, count: 65_536)
    let count = Int(linux_peer_groups(descriptor, &others, CInt(others.count)))
    self.init(user: user, groups: Set(others.prefix(max(0, count))).union([group]))
  }

  init(user: UInt32, groups: Set<UInt32>) { (self.user, self.groups) = (user, groups) }

  /// For the record.
  var words: String { "uid \(user)" }

  /// Whether it may administer the service: root, the service's own user, members of a group.
  func isAllowed(group: String?) -> Bool {
    if user == 0 || user == geteuid() { return true }
    guard let group, let number = Self.number(ofGroup: group) else { return false }
    return groups.contains(number)
  }

  /// The number of a group of this computer; nil if there is none of that name.
  static func number(ofGroup name: String) -> UInt32? { getgrnam(name).map { $0.pointee.gr_gid } }
}
