// SPDX-License-Identifier: GPL-3.0-or-later

/// What a started system is told that asks whether it may go on.
public enum AdmissionVerdict: Sendable, Hashable {
  /// It may.
  case go
  /// Somebody has to approve it first.
  case wait
  /// It has started another image than its own.
  case restart(image: String)
  /// It may not.
  case denied(IgnoreReason)
}

extension ServerView {
  /// Decides whether a machine that has started an image may load the rest of it.
  ///
  /// Another image is insisted on only where this server names the boot files (in mode `site` a restart would end where
  /// it began), has that image, and knows enough of the machine to be sure.
  public func verdict(on claimant: Claimant, started image: String) -> AdmissionVerdict {
    do throws(IgnoreReason) {
      guard try admission(of: claimant, by: rule(for: claimant)) == .admitted else { return .wait }
    } catch {
      return .denied(error)
    }
    guard mode != .site, let own = self.image(for: claimant), own != image, images[own] != nil,
      claimant.kind != nil || !assignments.contains(where: { $0.kinds != nil })
    else { return .go }
    return .restart(image: own)
  }
}
