// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

extension Site {
  /// Why something was not published, or a site is not opened.
  public enum Failure: Diagnosable, Equatable {
    /// Nothing to publish was named, or a folder has no ISO file.
    case noMedia(FilePath?)
    /// A medium is not what was built: `findings` says what and where.
    case mediumDamaged(FilePath, findings: [String])
    /// A medium is not signed by the site's key.
    case mediumNotSigned(FilePath, reason: String)
    /// A medium cannot be started from the network.
    case mediumUnsuitable(FilePath, reason: String)
    /// Two media bring the same architecture of an image.
    case sameVariant(image: String, architecture: String, FilePath, FilePath)
    /// No medium, or no set, has such an image.
    case noSuchImage(String, names: [String])
    /// A first set needs to know where starting computers find it.
    case noServers
    /// A starting computer cannot use such an address.
    case badServer(String, reason: String)
    /// Images that would stay have the old servers built into their start files.
    case serversChanged(kept: [String])
    /// Neither a key nor the word that none is wanted.
    case signatureUndecided
    /// A signed site stays signed.
    case siteIsSigned(FilePath)
    /// Another key than the one that the site is signed with.
    case otherKey(FilePath, fingerprint: String, expected: String)
    /// Images that would stay were published without a signature.
    case unsignedImagesKept([String])
    /// There is no set.
    case nothingPublished(FilePath)
    /// This user may not read the site, or something in it.
    case notReadable(FilePath)
    /// The index is no index, or a newer one.
    case indexUnreadable(reason: String)
    /// The signature over the index is not the site's.
    case indexNotTrusted(FilePath, reason: String)
    /// A set's object is missing or changed.
    case objectDamaged(name: String, FilePath)
    /// No older set is left.
    case noOlderSet(number: Int)
    /// A set without any image would be left.
    case lastImage(String)

    /// Stable identifier.
    public var code: String {
      switch self {
      case .noMedia: "no-media"
      case .mediumDamaged: "medium-damaged"
      case .mediumNotSigned: "medium-not-signed"
      case .mediumUnsuitable: "medium-unsuitable"
      case .sameVariant: "same-variant-twice"
      case .noSuchImage: "no-such-image"
      case .noServers: "no-servers"
      case .badServer: "bad-server"
      case .serversChanged: "servers-changed"
      case .signatureUndecided: "signature-undecided"
      case .siteIsSigned: "site-is-signed"
      case .otherKey: "other-site-key"
      case .unsignedImagesKept: "unsigned-images-kept"
      case .nothingPublished: "nothing-published"
      case .notReadable: "not-readable"
      case .indexUnreadable: "index-unreadable"
      case .indexNotTrusted: "index-not-trusted"
      case .objectDamaged: "object-damaged"
      case .noOlderSet: "no-older-set"
      case .lastImage: "last-image"
      }
    }

    /// How the process ends.
    public var kind: FailureKind {
      switch self {
      case .mediumDamaged, .mediumNotSigned, .otherKey, .indexNotTrusted, .objectDamaged: .notAsPromised
      case .noServers, .badServer, .serversChanged, .signatureUndecided, .siteIsSigned, .unsignedImagesKept: .badRequest
      case .noMedia, .nothingPublished, .notReadable, .noOlderSet: .noInput
      case .noSuchImage, .lastImage: .badRequest
      case .mediumUnsuitable, .sameVariant, .indexUnreadable: .badInput
      }
    }
  }
}

extension Site.Failure {
  /// What happened and where.
  public var message: String {
    switch self {
    case .noMedia(let folder): folder.map { "\($0) has no ISO file" } ?? "no medium to publish was named"
    case .mediumDamaged(let path, let findings):
      (["\(path) is not, byte for byte, what was built; nothing was published:"]
        + findings.prefix(5).map { "  " + $0 } + (findings.count > 5 ? ["  and \(findings.count - 5) more"] : []))
        .joined(separator: "\n")
    case .mediumNotSigned(let path, let reason): "\(path) is refused: \(reason)"
    case .mediumUnsuitable(let path, let reason): "\(path) cannot be published: \(reason)"
    case .sameVariant(let image, let architecture, let first, let second):
      "\(first) and \(second) both hold the \(architecture) system of \(image)"
    case .noSuchImage(let name, let names): "there is no image “\(name)”, only \(names.joined(separator: ", "))"
    case .noServers: "nothing says where starting computers find this site"
    case .badServer(let url, let reason): "“\(url)” cannot be a boot server: \(reason)"
    case .serversChanged(let kept):
      "the servers differ from those that are built into the start files of \(kept.joined(separator: ", "))"
    case .signatureUndecided: "nothing says whether to sign the set"
    case .siteIsSigned(let folder): "\(folder) is a signed site; a set without a signature would not be trusted"
    case .otherKey(let path, let fingerprint, let expected):
      "the site's key is \(expected) (\(path)), not \(fingerprint)"
    case .unsignedImagesKept(let names):
      "\(names.joined(separator: ", ")) of the current set: published without a signature, and not checked"
    case .nothingPublished(let folder): "nothing is published in \(folder)"
    case .notReadable(let path): "this user may not read \(path)"
    case .indexUnreadable(let reason): "index.json cannot be used: \(reason)"
    case .indexNotTrusted(let path, let reason): "\(path) is refused: \(reason)"
    case .objectDamaged(let name, let path): "\(name) of the current set is missing or damaged (\(path))"
    case .noOlderSet(let number): "no set before set \(number) is left"
    case .lastImage(let name): "\(name) is the only image; without it the site would start nothing"
    }
  }

  /// What to do about it.
  public var remedy: String? {
    switch self {
    case .noMedia: "Name ISO files, or a folder that holds them."
    case .mediumDamaged: "Copy or build it again, then publish it."
    case .mediumNotSigned: "Build it with the site's key."
    case .mediumUnsuitable: "Build it with this version of Lifeboat."
    case .sameVariant: "Name only one of them."
    case .noSuchImage: "Choose one of these images."
    case .noServers: "Give at least one, such as http://192.0.2.10, in the order to try them."
    case .badServer: "Give it as http://ADDRESS or http://ADDRESS:PORT with an IPv4 address."
    case .serversChanged: "Publish the media of those images too, or retire the images first."
    case .signatureUndecided: "Give a key, or say that anybody may change what computers start."
    case .siteIsSigned: "Sign it, or use another folder."
    case .otherKey: "Sign with the site's key; to change the key, first replace that file with the new public key."
    case .unsignedImagesKept: "Publish their media too, or retire those images first."
    case .nothingPublished: "Publish media first."
    case .notReadable:
      "Let everybody read the site (chmod -R o+rX) and enter the folders above it; lifeboat.service cannot see /home."
    case .indexUnreadable: "Go back to the previous set, or publish into a new folder."
    case .indexNotTrusted:
      "Find out who changed the site; then go back to the previous set, or publish into a new folder."
    case .objectDamaged: "Publish the media of that image again; that replaces what is damaged."
    case .noOlderSet: nil
    case .lastImage: "Publish another image first."
    }
  }
}
