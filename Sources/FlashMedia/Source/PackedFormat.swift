// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem
package import SystemPackage

extension FlashSource {
  /// How an image is packed.
  public enum Format: String, Sendable, Codable, CaseIterable {
    /// Not at all.
    case raw
    /// Read by a program of its own, which is fast or knows the size.
    case gzip, xz, zstd
    /// Read by libarchive: streams.
    case bzip2, lz4, lzma, lzip
    /// Read by libarchive: archives, of which one with a single file is an image.
    case zip
    case sevenZip = "7z"
    case tar
  }
}

extension FlashSource.Format {
  /// Tells a format by a file's first bytes.
  package init(firstBytes bytes: [UInt8]) {
    func has(_ mark: [UInt8], at offset: Int = 0) -> Bool {
      offset <= bytes.count && bytes[offset...].starts(with: mark)
    }
    switch true {
    case has([0x1f, 0x8b]): self = .gzip
    case has([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]): self = .xz
    // pzstd and others begin with a skippable frame (RFC 8878, 3.1.2), sixteen numbers for it; LZ4 has the same ones,
    // and decides by what follows.
    case has([0x28, 0xb5, 0x2f, 0xfd]): self = .zstd
    case bytes.count > 8 && bytes[0] & 0xf0 == 0x50 && has([0x2a, 0x4d, 0x18], at: 1):
      let length = bytes[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
      self = has([0x04, 0x22, 0x4d, 0x18], at: 8 + length) ? .lz4 : .zstd
    case has(Array("BZh".utf8)) && has([0x31, 0x41, 0x59, 0x26, 0x53, 0x59], at: 4): self = .bzip2
    case has([0x04, 0x22, 0x4d, 0x18]), has([0x02, 0x21, 0x4c, 0x18]): self = .lz4
    case has(Array("LZIP".utf8) + [1]): self = .lzip
    case has(Array("PK".utf8) + [3, 4]): self = .zip
    case has(Array("7z".utf8) + [0xbc, 0xaf, 0x27, 0x1c]): self = .sevenZip
    case has(Array("ustar".utf8), at: 257): self = .tar
    case Self.isLZMA(bytes): self = .lzma
    default: self = .raw
    }
  }

  /// LZMA's old form has no mark: properties as every encoder sets them, a window of a power of two or one and a half
  /// of it, a length that is unknown or below 256 GiB, and a first byte of the range coder that is always zero.
  private static func isLZMA(_ bytes: [UInt8]) -> Bool {
    guard bytes.count > 13, bytes[0] == 0x5d, bytes[13] == 0 else { return false }
    let window = bytes[1..<5].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let length = bytes[5..<13].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard window >= 4096, length == .max || length > 0 && length < 1 << 38 else { return false }
    return window.nonzeroBitCount == 1 || window.nonzeroBitCount == 2 && window % 3 == 0 || window == 0xffff_ffff
  }

  /// The program that writes the decompressed image to its standard output. One for each format: two would answer
  /// differently for what lies behind the last member.
  package func decoder(_ path: FilePath) -> ExternalCommand? {
    switch self {
    case .gzip: ExternalCommand("gzip", ["-dc", "--", path.string], package: "gzip")
    case .xz: ExternalCommand("xz", ["-dc", "-T0", "--", path.string], package: "xz-utils")
    // Windows of up to 2 GiB are what zstd --ultra --long makes, and refuses to read by default.
    case .zstd: ExternalCommand("zstd", ["-dcq", "--long=31", "--", path.string], package: "zstd")
    case .raw, .bzip2, .lz4, .lzma, .lzip, .zip, .sevenZip, .tar: nil
    }
  }

  /// The program that says how large the decompressed image is, for the formats that know.
  package func measure(_ path: FilePath) -> ExternalCommand? {
    switch self {
    case .xz: ExternalCommand("xz", ["--robot", "--list", "--", path.string], package: "xz-utils")
    case .zstd: ExternalCommand("zstd", ["-lv", "--", path.string], package: "zstd")
    case .raw, .gzip, .bzip2, .lz4, .lzma, .lzip, .zip, .sevenZip, .tar: nil
    }
  }

  /// Reads the size from what that program said; nil where the file does not tell.
  package func size(_ text: String) -> Int64? {
    switch self {
    case .xz:
      let totals = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("totals\t") }
      return totals.flatMap { line -> Int64? in
        let fields = line.split(separator: "\t")
        return fields.count > 4 ? Int64(fields[4]) : nil
      }
    case .zstd:
      return text.firstMatch(of: /Decompressed Size: [^(]*\(([0-9]+) B\)/).flatMap { Int64($0.1) }
    case .raw, .gzip, .bzip2, .lz4, .lzma, .lzip, .zip, .sevenZip, .tar: return nil
    }
  }

  private var suffixes: [String] {
    switch self {
    case .raw: []
    case .gzip: [".gz"]
    case .xz: [".xz"]
    case .zstd: [".zst", ".zstd"]
    case .bzip2: [".bz2"]
    case .lz4: [".lz4"]
    case .lzma: [".lzma"]
    case .lzip: [".lz"]
    case .zip: [".zip"]
    case .sevenZip: [".7z"]
    case .tar: [".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2", ".tar.lz4", ".tar.lzma", ".tar.lz"]
    }
  }

  /// The names that the same image can have: as it is, and without the suffix of the compression.
  package func names(of path: FilePath) -> [String] {
    let name = path.lastComponent?.string ?? path.string
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
