// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
public import SystemPackage

/// A recovery partition in the image of a disk, as foreign programs see it: partx, mtools, grub-editenv and sha256sum.
public struct RecoveryVolume: Sendable {
  /// The disk's image, with the volume's first byte, as mtools name it.
  private let place: String

  /// The volume of a partition.
  /// - Throws: `Unreadable` where there is no such partition.
  public init(partition number: Int, of image: FilePath) async throws {
    let start = try await Tool.run("partx", ["-g", "-r", "-o", "START", "-n", String(number), image.string])
    guard let sector = Int(start.output.filter { !$0.isWhitespace }) else { throw Unreadable(text: "\(start)") }
    place = "\(image)@@\(sector * 512)"
  }

  /// A foreign program found nothing where something has to be.
  public struct Unreadable: Error { public var text: String }

  /// A file's content.
  public func content(of path: String) async throws -> [UInt8] {
    let outcome = try await mtools("mtype", ["::/\(path)"])
    guard outcome.status == 0 else { throw Unreadable(text: "\(path): \(outcome)") }
    return outcome.bytes
  }

  /// Puts a file in the place of another.
  public func replace(_ path: String, with bytes: [UInt8]) async throws {
    let file = try TemporaryFolder()
    let outcome = try await mtools("mcopy", ["-o", try file.write("file", bytes).string, "::/\(path)"])
    guard outcome.status == 0 else { throw Unreadable(text: "\(path): \(outcome)") }
  }

  /// The variables by which GRUB chooses a version.
  public func state() async throws -> [String: String] {
    let folder = try TemporaryFolder()
    let file = try folder.write("state", try await content(of: "lifeboat/state"))
    let listing = try await Tool.run("grub-editenv", [file.string, "list"])
    guard listing.status == 0 else { throw Unreadable(text: "\(listing)") }
    return listing.lines.reduce(into: [:]) { variables, line in
      let words = line.split(separator: "=", maxSplits: 1).map(String.init)
      if words.count == 2 { variables[words[0]] = words[1] }
    }
  }

  /// A file that a version consists of.
  public struct Part: Sendable {
    /// Its name on the medium, its path on the partition, and its SHA-256.
    public var name: String
    public var path: String
    public var digest: String
  }

  /// What a version consists of, as the initial RAM file system reads it.
  public func parts(of identifier: String, _ architecture: String = "x64") async throws -> [Part] {
    let text = String(
      decoding: try await content(of: "lifeboat/\(identifier)/\(architecture)/files"), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 5 else { throw Unreadable(text: text) }
      return Part(name: words[1], path: words[4], digest: words[3])
    }
  }

  /// Whether a version has its menu and all that its list names, with those digests: the initial RAM file system's
  /// own question.
  /// - Returns: what sha256sum says where it does not.
  public func damage(of identifier: String, _ architecture: String = "x64") async throws -> String? {
    let parts = try await parts(of: identifier, architecture)
    guard !parts.isEmpty else { return "the list is empty" }
    _ = try await content(of: "lifeboat/\(identifier)/menu.cfg")
    let folder = try TemporaryFolder()
    for path in Set(parts.map(\.path)) {
      let file = folder.appending(path)
      try FileTree.makeFolder(file.removingLastComponent())
      let outcome = try await mtools("mcopy", ["::/\(path)", file.string])
      guard outcome.status == 0 else { return "\(path): \(outcome.errors)" }
    }
    let list = parts.map { "\($0.digest)  \($0.path)\n" }.joined()
    let verdict = try await Tool.run(
      "sha256sum", ["--check", "--strict", "--quiet"], in: folder.path, input: Array(list.utf8))
    return verdict.status == 0 ? nil : verdict.description
  }

  private func mtools(_ program: String, _ arguments: [String]) async throws -> Tool.Outcome {
    try await Tool.run(program, ["-i", place] + arguments, environment: ["MTOOLSRC": "/dev/null"])
  }
}
