// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import BootSite
internal import FoundationEssentials
internal import HostSystem
internal import SystemPackage

/// Opens the current set of a site.
struct SiteReader: Sendable {
  /// The site's folder.
  let site: FilePath
  /// The site's public key, if the index has to be signed by it.
  let key: FilePath?

  /// Which set is current: `sets/7`.
  /// - Throws: `NetworkBootFailure.notASite`.
  func currentTarget() throws(NetworkBootFailure) -> String {
    guard FileTree.status(of: site) != nil else { throw .notASite(site, reason: "there is no such folder") }
    guard let target = FileTree.linkTarget(of: site.appending("current")) else {
      throw .notASite(site, reason: "it has no link \"current\"")
    }
    // One set's folder in the site itself: a link that leads elsewhere was not made by publishing.
    let parts = target.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "sets", !parts[1].isEmpty, parts[1].allSatisfy(\.isNumber) else {
      throw .notASite(site, reason: "its link \"current\" leads to \"\(target)\" and not to sets/NUMBER")
    }
    return target
  }

  /// Reads a set, checks its signature where there is a key, and looks whether all its objects are there.
  /// - Throws: `NetworkBootFailure`; `BootAssemblyFailure` for a key that cannot be used; `ExternalCommand.Failure`.
  func read(_ target: String) async throws -> BootSet {
    let path = site.pushing(FilePath(target)).appending("index.json")
    let bytes: [UInt8]
    do { bytes = try FileTree.bytes(of: path) } catch let failure as OperationFailure {
      throw NetworkBootFailure.notASite(site, reason: failure.message)
    }
    let trust = try await trust(in: bytes, path)
    let index = try decode(bytes, path)
    let set = BootSet(index, of: site, trust: trust)
    do { _ = try set.loaders() } catch let failure as any Diagnosable {
      throw NetworkBootFailure.indexUnreadable(path, reason: failure.message)
    }
    let missing = set.missing()
    guard missing.isEmpty else { throw NetworkBootFailure.objectsMissing(path, names: missing) }
    return set
  }

  private func decode(_ bytes: [UInt8], _ path: FilePath) throws -> SiteIndex {
    struct Version: Decodable { var format: Int }
    do {
      let decoder = JSONDecoder()
      let format = try decoder.decode(Version.self, from: Data(bytes)).format
      guard format <= SiteIndex.format else {
        throw NetworkBootFailure.indexTooNew(path, format: format, known: SiteIndex.format)
      }
      return try decoder.decode(SiteIndex.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw NetworkBootFailure.indexUnreadable(path, reason: Self.reason(error))
    }
  }

  private static func reason(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" is of the wrong kind"
    case .dataCorrupted(let context): context.debugDescription
    @unknown default: "it cannot be decoded"
    }
  }

  private func trust(in bytes: [UInt8], _ path: FilePath) async throws -> BootSet.Trust {
    let signaturePath = FilePath(path.string + ".sig")
    let signature = try? FileTree.bytes(of: signaturePath)
    guard let key else { return signature == nil ? .unsigned : .unchecked }
    let site = try await SiteKey.describe(key)
    guard let signature else {
      throw NetworkBootFailure.indexNotTrusted(path, reason: "it is not signed: there is no \(signaturePath)")
    }
    do {
      try await SiteKey.verify(bytes, signature: signature, publicKey: key)
    } catch let failure as BootAssemblyFailure where failure.exitCode == .notAsPromised {
      throw NetworkBootFailure.indexNotTrusted(path, reason: Self.reason(failure))
    }
    return .signed(fingerprint: site.fingerprint)
  }

  private static func reason(_ failure: BootAssemblyFailure) -> String {
    switch failure {
    case .signatureMalformed(let reason): "its signature is none: \(reason)"
    case .signatureByOtherKey(let fingerprint, let expected):
      "it is signed with the key \(fingerprint), not with \(expected)"
    default: "it, or its signature, was changed after signing"
    }
  }
}
