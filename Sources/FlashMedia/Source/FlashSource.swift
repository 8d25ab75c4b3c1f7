// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
package import HostSystem
public import SystemPackage

/// An image that is to be written: any raw image, plain or compressed, with what lies beside it to prove it.
///
/// - A plain file's holes are found by `SEEK_DATA`; they become zeros on the target without being read.
/// - `.gz`, `.xz` and `.zst` files (known by their first bytes, not by their names) are decompressed by `pigz` or
///   `gzip`, `xz` with as many threads as the file has blocks for, and `zstd`, each a program of its own.
/// - A block map of bmaptool beside the image (`X.iso.bmap`, `X.bmap`) says which ranges hold data, and their SHA-256.
/// - A checksum file beside it (`X.iso.sha256`, `X.sha256`) is checked while the image is read. What a digest
///   contradicts never becomes bootable, for the first piece is written when all others have been read and proven.
public struct FlashSource: Sendable, Hashable {
  /// The file.
  public var image: FilePath
  /// The block map.
  public var blockMap: Companion = .beside
  /// The checksum file.
  public var checksum: Companion = .beside

  /// Where a file that belongs to the image is.
  public enum Companion: Sendable, Hashable {
    /// Beside the image, if there is one.
    case beside
    /// This one; an error if it is not there.
    case file(FilePath)
    /// Not used, even if there is one.
    case none
  }

  /// Names an image; reads nothing.
  public init(_ image: FilePath) { self.image = image }

  /// How an image is packed.
  public enum Format: String, Sendable, Codable, CaseIterable {
    case raw, gzip, xz, zstd
  }

  /// Opens the image and what lies beside it.
  /// - Throws: `FlashMediaFailure.source`; `ExternalCommand.Failure.notInstalled` naming the decoder's package.
  public func open() async throws -> OpenedSource {
    try await OpenedSource(self)
  }
}

extension FlashSource.Format {
  /// Tells a format by a file's first bytes.
  package init(firstBytes bytes: [UInt8]) {
    switch true {
    case bytes.starts(with: [0x1f, 0x8b]): self = .gzip
    case bytes.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]): self = .xz
    case bytes.starts(with: [0x28, 0xb5, 0x2f, 0xfd]): self = .zstd
    default: self = .raw
    }
  }

  /// The program that writes the decompressed image to its standard output.
  package func decoder(_ path: FilePath, has: (String) -> Bool) -> ExternalCommand? {
    switch self {
    case .raw: nil
    case .gzip:
      has("pigz")
        ? ExternalCommand("pigz", ["-dc", "--", path.string], package: "pigz")
        : ExternalCommand("gzip", ["-dc", "--", path.string], package: "gzip")
    case .xz: ExternalCommand("xz", ["-dc", "-T0", "--", path.string], package: "xz-utils")
    // Windows of up to 2 GiB are what zstd --ultra --long makes, and refuses to read by default.
    case .zstd: ExternalCommand("zstd", ["-dcq", "--long=31", "--", path.string], package: "zstd")
    }
  }

  /// The program that says how large the decompressed image is, for the formats that know.
  package func measure(_ path: FilePath) -> ExternalCommand? {
    switch self {
    case .raw, .gzip: nil
    case .xz: ExternalCommand("xz", ["--robot", "--list", "--", path.string], package: "xz-utils")
    case .zstd: ExternalCommand("zstd", ["-lv", "--", path.string], package: "zstd")
    }
  }

  /// Reads the size from what that program said; nil where the file does not tell.
  package func size(_ text: String) -> Int64? {
    switch self {
    case .raw, .gzip: return nil
    case .xz:
      let totals = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("totals\t") }
      return totals.flatMap { line -> Int64? in
        let fields = line.split(separator: "\t")
        return fields.count > 4 ? Int64(fields[4]) : nil
      }
    case .zstd:
      return text.firstMatch(of: /Decompressed Size: [^(]*\(([0-9]+) B\)/).flatMap { Int64($0.1) }
    }
  }

  /// The names that the same image can have: as it is, and without the suffix of the compression.
  package func names(of path: FilePath) -> [String] {
    let name = path.lastComponent?.string ?? path.string
    let suffixes: [String] =
      switch self {
      case .raw: []
      case .gzip: [".gz"]
      case .xz: [".xz"]
      case .zstd: [".zst", ".zstd"]
      }
    return [name]
      + suffixes.filter { name.hasSuffix($0) && name.count > $0.count }.map { String(name.dropLast($0.count)) }
  }

  /// Where a companion of that suffix would lie, the most exact name first.
  package func companions(of path: FilePath, suffix: String) -> [FilePath] {
    var result: [String] = []
    for name in names(of: path) {
      result.append(name + suffix)
      if let dot = name.lastIndex(of: "."), dot != name.startIndex { result.append(String(name[..<dot]) + suffix) }
    }
    let folder = path.removingLastComponent()
    return result.map { folder.appending($0) }
  }
}
