// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
internal import Signing
public import SystemPackage

/// A folder from which computers are started over the network: sets of images, of which one is current.
///
/// ```
///   lifeboat publish ─▶ SITE/objects/ab/abcdef…   what is fetched, by SHA-256, each once
///                       SITE/sets/7/index.json    which image, architecture, way of starting, under which names
///                       SITE/sets/7/index.json.sig
///                       SITE/current -> sets/7    switched by one rename
///                       SITE/site-key.pub         the key of a signed site
///                       SITE/lock                 held by a publisher
///   lifeboat serve   ◀─ current(trusting:), path(of:)
/// ```
///
/// A set never changes once it stands there; whoever has one open goes on with it while another becomes current.
public struct Site: Sendable {
  /// Where it is.
  public let folder: FilePath

  /// Names a site; nothing is read or made.
  public init(at folder: FilePath) { self.folder = folder }

  var store: ObjectStore { ObjectStore(folder: folder.appending("objects")) }
  var setsFolder: FilePath { folder.appending("sets") }
  var link: FilePath { folder.appending("current") }
  /// The public key of a signed site.
  public var keyFile: FilePath { folder.appending("site-key.pub") }

  /// A set with what is known of its signature.
  public struct OpenedSet: Sendable {
    /// What it holds.
    public var index: SetIndex
    /// The fingerprint of the key that signed it, or nil for one without signature.
    public var signedBy: String?
  }

  /// The current set, its signature checked.
  ///
  /// A signed site keeps its public key, so that a set which somebody else put there is refused. Whoever can write to
  /// the site can exchange that key as well: name a key from elsewhere to be safe from that too.
  /// - Parameter key: the only key to be trusted; nil for the site's own, or none where the site has none.
  /// - Throws: `Failure.nothingPublished`, `.notReadable`, `.indexUnreadable`, `.indexNotTrusted`; `OperationFailure`;
  ///   `SigningFailure` for a key that cannot be used.
  public func current(trusting key: FilePath? = nil) async throws -> OpenedSet {
    try await set(try number(), trusting: key)
  }

  /// The number of the current set.
  /// - Throws: `Failure.nothingPublished`, `.notReadable`.
  public func number() throws(Failure) -> Int {
    if let number = currentNumber { return number }
    // A folder that this user may not look into is not an empty one.
    throw FileTree.isForbidden(link) ? .notReadable(folder) : .nothingPublished(folder)
  }

  /// A set by its number, its signature checked.
  /// - Throws: as `current(trusting:)`.
  public func set(_ number: Int, trusting key: FilePath? = nil) async throws -> OpenedSet {
    let file = indexFile(number)
    guard !FileTree.isForbidden(file) else { throw Failure.notReadable(file) }
    let bytes = try FileTree.bytes(of: file)
    let signatureFile = FilePath(file.string + ".sig")
    let signature = FileTree.kind(of: signatureFile) == nil ? nil : try FileTree.bytes(of: signatureFile)
    let own = FileTree.kind(of: keyFile) == nil ? nil : keyFile
    var signedBy: String?
    if let key = key ?? own {
      do {
        try await SiteKey.verify(bytes, signature: signature, publicKey: key)
      } catch let failure as SigningFailure where failure.kind == .notAsPromised {
        throw Failure.indexNotTrusted(file, reason: Self.words(for: failure))
      }
      signedBy = try await SiteKey.describe(key).fingerprint
    } else if signature != nil {
      throw Failure.indexNotTrusted(file, reason: "it is signed, but the site's key is missing")
    }
    let index = try SetIndex(decoding: bytes)
    guard index.number == number else {
      throw Failure.indexUnreadable(reason: "set \(number) says that it is set \(index.number)")
    }
    return OpenedSet(index: index, signedBy: signedBy)
  }

  /// What a set says, as it was signed: `index.json`, and `index.json.sig` where it has one.
  /// - Throws: `OperationFailure`.
  public func signedFiles(of set: OpenedSet) throws -> [(name: String, bytes: [UInt8])] {
    let file = indexFile(set.index.number)
    let names = ["index.json"] + (set.signedBy == nil ? [] : ["index.json.sig"])
    return try names.map { ($0, try FileTree.bytes(of: file.removingLastComponent().appending($0))) }
  }

  /// Where an object's bytes lie.
  public func path(of object: SetIndex.Object) -> FilePath { store.path(object.digest) }

  /// The numbers of all sets that are there, ascending.
  public var numbers: [Int] { FileTree.names(in: setsFolder).compactMap { Int($0) }.filter { $0 > 0 }.sorted() }

  /// The number of the current set, or nil.
  public var currentNumber: Int? {
    FileTree.linkTarget(of: link).flatMap { $0.hasPrefix("sets/") ? Int($0.dropFirst(5)) : nil }
  }

  func indexFile(_ number: Int) -> FilePath { setsFolder.appending(String(number)).appending("index.json") }

  /// What a failed signature means for an index: the same check speaks of media elsewhere.
  private static func words(for failure: SigningFailure) -> String {
    switch failure {
    case .signatureAbsent: "it has no signature"
    case .signatureMalformed: "its signature is not an SSH signature"
    case .signatureInvalid: "it was changed after it was signed"
    case .signatureByOtherKey(let fingerprint, let expected):
      "it is signed with the key \(fingerprint), not \(expected)"
    default: failure.message
    }
  }
}
