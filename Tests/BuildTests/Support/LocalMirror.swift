// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import RecoveryManifest
import RecoveryPlan
import SystemPackage
import TestSupport

/// A package archive in a folder, for the days on which an archive is at fault.
///
/// It has a package of every name that Lifeboat itself asks for, so that apt finds what it looks for; in the files of
/// the packages there is nothing of use.
final class LocalMirror: Sendable {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A package of the index.
  struct Package {
    var name: String
    var version = "1"
    /// Further fields: `Conflicts: other`.
    var fields: [String] = []

    var file: String { "pool/\(name)_\(version)_all.deb" }
    var content: [UInt8] { Array("\(name) \(version), which is no package\n".utf8) }
    var stanza: String {
      let lines = [
        "Package: \(name)", "Version: \(version)", "Architecture: all", "Maintainer: nobody <nobody@example.org>",
        "Description: nothing", "Filename: \(file)", "Size: \(content.count)", "SHA256: \(Digest(of: content))",
      ]
      return (lines + fields).joined(separator: "\n") + "\n\n"
    }
  }

  /// What every build asks for, and the package of `Manifests.meter`.
  static let placeholders: [Package] = {
    let names = Architecture.allCases.flatMap {
      SystemRecipe.basePackages($0) + SystemRecipe.loaderPackages($0)
    }
    return [Package(name: "base-files", fields: ["Essential: yes"])]
      + Set(names + ["apt", "pv"]).sorted().map { Package(name: $0) }
  }()

  /// Publishes a suite with the same packages for both architectures; nil signs nothing.
  /// - Parameter fields: more of the release file, such as `Valid-Until: …`.
  func publish(
    _ suite: String, _ packages: [Package], signedBy key: SigningKey?, day: Int = 1,
    origin: String = "Lifeboat's tests",
    codename: String? = nil, fields: [String] = []
  ) async throws {
    for package in packages { try folder.write(package.file, package.content) }
    let index = Array(packages.map(\.stanza).joined().utf8)
    var lines = [
      "Origin: \(origin)", "Label: \(origin)", "Suite: \(suite)", "Codename: \(codename ?? suite)",
      "Date: Thu, 0\(day) May 2025 00:00:00 UTC", "Architectures: amd64 i386", "Components: main",
    ]
    lines += fields + ["SHA256:"]
    for architecture in Architecture.allCases {
      try folder.write(Self.index(suite, architecture), index)
      lines.append(" \(Digest(of: index)) \(index.count) main/binary-\(architecture.debian)/Packages")
    }
    let release = try folder.write("dists/\(suite)/Release", lines.joined(separator: "\n") + "\n")
    FileTree.remove(folder.appending("dists/\(suite)/InRelease"))
    try await key?.clearSign(release, to: folder.appending("dists/\(suite)/InRelease"))
  }

  /// Where an index is.
  static func index(_ suite: String, _ architecture: Architecture) -> String {
    "dists/\(suite)/main/binary-\(architecture.debian)/Packages"
  }

  /// Changes an index and leaves the signed release file as it is, like a mirror that is being updated.
  func disturb(_ suite: String, _ architecture: Architecture = .x64) throws {
    let file = Self.index(suite, architecture)
    try folder.write(file, try FileTree.text(of: folder.appending(file)) + "\n")
  }
}

/// A key of OpenPGP that exists for the tests of one process alone; the daemon that gpg starts for it ends when its
/// folder is gone.
struct SigningKey: Sendable {
  private let home: FilePath
  /// The public half, as apt takes it.
  let keyring: FilePath

  init(_ name: String) async throws {
    let folder = TemporaryFolder.untilExit("key")
    try FileTree.setPermissions(folder, 0o755)
    home = folder.appending("private")
    keyring = folder.appending("public.gpg")
    try FileTree.makeFolder(home)
    try FileTree.setPermissions(home, 0o700)
    let user = "\(name) <nobody@example.org>"
    try await gpg(["--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "never"])
    try await gpg(["--output", keyring.string, "--export"])
  }

  func clearSign(_ file: FilePath, to output: FilePath) async throws {
    try await gpg(["--output", output.string, "--clear-sign", file.string])
  }

  /// The public half as text.
  func armored() async throws -> String {
    try await ExternalCommand("gpg", ["--homedir", home.string, "--armor", "--export"], package: "gpg").text()
  }

  private func gpg(_ arguments: [String]) async throws {
    let batch = ["--batch", "--quiet", "--pinentry-mode", "loopback"]
    try await ExternalCommand("gpg", ["--homedir", home.string] + batch + arguments, package: "gpg").run()
  }
}
