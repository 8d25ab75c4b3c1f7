// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem
package import SystemPackage

/// Why a release was not made, fetched or taken. The recovery partition is as it was.
package enum ReleaseFailure: Diagnosable, Equatable {
  /// Not an address that can be followed.
  case badAddress(String)
  /// Nothing can be had from the server.
  case unreachable(String, reason: String)
  /// The server has sent something else than a release.
  case unreadable(reason: String)
  /// The signature is missing, wrong, or by another key.
  case notTrusted(reason: String)
  /// The partition has no key to compare with.
  case noKey
  /// The server sends whole files only.
  case noRanges(String)
  /// A part is not what the release says.
  case pieceDiffers(file: String, offset: ByteCount)
  /// The medium is not the one that the release names.
  case otherMedium(identifier: String, expected: String)
  /// An ISO file cannot be released.
  case notForReleases(FilePath, reason: String)

  package var code: String {
    switch self {
    case .badAddress: "bad-release-address"
    case .unreachable: "release-unreachable"
    case .unreadable: "release-unreadable"
    case .notTrusted: "release-not-trusted"
    case .noKey: "no-installed-key"
    case .noRanges: "server-without-ranges"
    case .pieceDiffers: "release-piece-differs"
    case .otherMedium: "release-other-medium"
    case .notForReleases: "not-for-releases"
    }
  }

  package var message: String {
    switch self {
    case .badAddress(let text): "“\(text)” is not the address of a folder on a web server"
    case .unreachable(let address, let reason): "\(address) cannot be fetched: \(reason)"
    case .unreadable(let reason): "the server's \(Release.name) cannot be used: \(reason)"
    case .notTrusted(let reason): "the release is not trusted: \(reason)"
    case .noKey: "the recovery partition has no key that a release could be compared with"
    case .noRanges(let address): "the server sends \(address) only as a whole"
    case .pieceDiffers(let file, let offset):
      "what the server sends of \(file) from byte \(offset.exact) is not what the release says"
    case .otherMedium(let identifier, let expected):
      "the medium is \(identifier), and the release names \(expected)"
    case .notForReleases(let path, let reason): "\(path) cannot be released: \(reason)"
    }
  }

  package var remedy: String? {
    switch self {
    case .badAddress: "Give an address such as https://example.org/recovery"
    case .unreachable: "Check the address, the network and the server; the next try goes on from here."
    case .unreadable: "Make it again with: lifeboat package --release"
    case .notTrusted: "Publish the release signed with the key that the recovery partition was installed with."
    case .noKey: "Install the partition from a signed medium, with --key."
    case .noRanges: "Use a server that supports range requests, as nginx and Apache do."
    case .pieceDiffers, .otherMedium: "Make release.json again from the ISO file beside it."
    case .notForReleases: "Rename it."
    }
  }

  package var kind: FailureKind {
    switch self {
    case .badAddress: .badRequest
    case .unreachable, .noRanges: .unavailable
    case .unreadable, .notForReleases: .badInput
    case .notTrusted, .pieceDiffers, .otherMedium: .notAsPromised
    case .noKey: .refusedTarget
    }
  }
}
