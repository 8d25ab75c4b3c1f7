// SPDX-License-Identifier: GPL-3.0-or-later
package import BootEntries
internal import HostSystem

extension RecoveryInstaller.Plan {
  /// What the computer does when it is started the next time, now that these entries are there.
  package func nextStart(_ entries: [BootEntry]) -> String {
    let kinds = Set(entries.map(\.kind))
    let waits = "each start waits \((request.wish.hotkeyDelay ?? 0).counted("second")) for Esc, and goes on as before"
    if kinds.contains(.bootRecord) { return waits }
    if request.wish.place == .first, kinds.contains(.firmware) {
      return request.wish.hotkeyDelay == nil ? "the recovery system starts" : waits
    }
    if encrypted.contains(where: { $0.kind == .bitLocker }) {
      return "as before; Windows asks for no recovery key as long as BitLocker is suspended, so resume it then"
    }
    return entries.isEmpty ? "as before" : "as before; the recovery is chosen in a menu"
  }
}
