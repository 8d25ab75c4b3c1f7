// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
internal import NetworkBootProtocol

extension ServerView {
  /// What decisions are made from: the options, and the set that is served.
  /// - Throws: `NetworkBootFailure.noSuchImage`, `.imageNotChosen`.
  init(_ options: BootService.Options, _ set: BootSet) throws(NetworkBootFailure) {
    self.init()
    let names = set.index.images.map(\.name)
    if let image = options.image {
      guard names.contains(image) else { throw .noSuchImage(name: image, names: names) }
    } else if names.count != 1 {
      throw .imageNotChosen(names: names)
    }
    mode = Mode(rawValue: options.mode.rawValue) ?? .site
    shadow = Shadow(rawValue: options.shadow.rawValue) ?? .never
    httpPort = UInt16(truncatingIfNeeded: options.httpPort)
    defaultImage = options.image ?? names.first
    // The reader has looked at all names already.
    images = (try? set.loaders()) ?? [:]
  }
}
