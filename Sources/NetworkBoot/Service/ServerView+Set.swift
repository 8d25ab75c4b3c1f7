// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
internal import NetworkBootPolicy
internal import NetworkBootProtocol

extension ServerView {
  /// What decisions are made from: the options, the set that is served, and the policy. What is said as an option goes
  /// before the policy.
  /// - Throws: `NetworkBootFailure.noSuchImage`, `.imageNotChosen`.
  init(_ options: BootService.Options, _ set: BootSet, _ policy: BootPolicy) throws(NetworkBootFailure) {
    self.init()
    policy.apply(to: &self)
    let names = set.index.images.map(\.name)
    if let image = options.image ?? policy.image {
      guard names.contains(image) else { throw .noSuchImage(name: image, names: names) }
    } else if names.count != 1 {
      throw .imageNotChosen(names: names)
    }
    mode = Mode(rawValue: options.mode.rawValue) ?? .site
    if let said = options.shadow { shadow = Shadow(rawValue: said.rawValue) ?? .never }
    httpPort = UInt16(truncatingIfNeeded: options.httpPort)
    defaultImage = options.image ?? policy.image ?? names.first
    // The reader has looked at all names already.
    images = (try? set.loaders()) ?? [:]
  }
}
