// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
internal import Signing
internal import SystemPackage

/// A folder on a web server that holds a release, asked through curl.
package struct ReleaseServer: Sendable {
  /// Without a slash at its end.
  let address: String

  /// - Throws: `ReleaseFailure.badAddress`: the address stands in a configuration file and in arguments.
  package init(_ address: String) throws(ReleaseFailure) {
    guard address.wholeMatch(of: /https?:\/\/[A-Za-z0-9._~:\/@\[\]%+=,-]+/) != nil else { throw .badAddress(address) }
    var address = address
    while address.hasSuffix("/") { address.removeLast() }
    self.address = address
  }

  /// How much is asked for at once: what is there when the connection breaks need not be fetched again.
  static let portion: Int64 = 16 << 20

  /// The program that fetches a file or a part of one.
  func curl(_ name: String, range: Range<Int64>? = nil, limit: Int64, output: FilePath) -> ExternalCommand {
    let part = range.map { ["--range", "\($0.lowerBound)-\($0.upperBound - 1)"] } ?? []
    return ExternalCommand(
      "curl",
      [
        "--fail", "--silent", "--show-error", "--location", "--proto", "=http,https", "--connect-timeout", "20",
        "--speed-limit", "1000", "--speed-time", "60", "--max-filesize", String(limit), "--output", output.string,
        "--write-out", "%{http_code}",
      ] + part + ["\(address)/\(name)"], package: "curl")
  }

  /// Fetches the release and checks its signature.
  /// - Parameter key: the public key that has to have signed it.
  /// - Throws: `ReleaseFailure`; `ExternalCommand.Failure.notInstalled`.
  package func release(signedBy key: [UInt8]) async throws -> Release {
    let bytes = try await small(Release.name)
    let signature: [UInt8]
    do { signature = try await small(Release.signatureName) } catch ReleaseFailure.unreachable(_, let reason) {
      throw ReleaseFailure.notTrusted(reason: "it has no signature (\(reason))")
    }
    try await FileTree.withPrivateFolder { folder in
      let file = folder.appending("site-key.pub")
      try AtomicFile.write(key, to: file)
      do { try await SiteKey.verify(bytes, signature: signature, publicKey: file) } catch let failure
        as SigningFailure
      {
        throw ReleaseFailure.notTrusted(
          reason: failure.message.replacing(MediumRecord.signaturePath, with: Release.signatureName)
            .replacing(MediumRecord.path, with: Release.name).replacing("the medium", with: "it"))
      }
    }
    return try Release(decoding: bytes)
  }

  private func small(_ name: String) async throws -> [UInt8] {
    try await FileTree.withPrivateFolder { folder in
      let file = folder.appending("file")
      _ = try await run(curl(name, limit: Int64(Release.limit), output: file), name)
      return FileTree.kind(of: file) == nil ? [] : try FileTree.bytes(of: file)
    }
  }

  /// Fetches a part of a file.
  func part(_ range: Range<Int64>, of name: String, to file: FilePath) async throws {
    let code = try await run(curl(name, range: range, limit: Int64(range.count), output: file), name)
    guard code == "206" || FileTree.status(of: file)?.size == Int64(range.count) else {
      throw ReleaseFailure.noRanges("\(address)/\(name)")
    }
    guard FileTree.status(of: file)?.size == Int64(range.count) else {
      throw ReleaseFailure.unreachable("\(address)/\(name)", reason: "the server sent less than it was asked for")
    }
  }

  private func run(_ command: ExternalCommand, _ name: String) async throws -> String {
    do { return try await command.text() } catch ExternalCommand.Failure.failed(_, let status, let lines) {
      // 63: the answer is larger than what was asked for, since the server knows no ranges.
      if status.contains("63"), command.arguments.contains("--range") {
        throw ReleaseFailure.noRanges("\(address)/\(name)")
      }
      throw ReleaseFailure.unreachable("\(address)/\(name)", reason: lines.last ?? status)
    }
  }
}
