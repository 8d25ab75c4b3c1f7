// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// The FAT image that UEFI firmware reads, listed and read in place by mtools.
struct SystemPartitionFiles {
  /// The image or device that holds it.
  let path: FilePath
  /// Where the FAT starts.
  let offset: ByteCount
  /// The program that lists; tests name one that does not exist.
  var lister = "mdir"

  private var drive: String { "\(path.string)@@\(offset.bytes)" }
  /// A FAT of our size may have fewer sectors than its geometry says; the user's own drives play no part.
  private static let environment = ["MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": "/dev/null", "LC_ALL": "C.UTF-8"]
  static let loaderLimit = 64 << 20

  /// The bytes of a FAT, by its boot sector (sectors of so many bytes at 11, their number at 19, or at 32 where that is
  /// zero); nil where there is none.
  static func size(at offset: ByteCount, _ image: DiskImageReader) throws -> Int64? {
    let sector = try image.available(at: offset.bytes, count: 512)
    let bytes = Int64(sector.little(UInt16.self, at: 11))
    guard [512, 1024, 2048, 4096].contains(bytes) else { return nil }
    let few = Int64(sector.little(UInt16.self, at: 19))
    return bytes * (few > 0 ? few : Int64(sector.little(UInt32.self, at: 32)))
  }

  /// All files, as `/EFI/BOOT/BOOTX64.EFI`.
  var listing: ExternalCommand {
    ExternalCommand(
      lister, ["-i", drive, "-b", "-/", "::/"], environment: Self.environment, package: "mtools")
  }

  /// One file to standard output.
  func reading(_ file: String) -> ExternalCommand {
    ExternalCommand(
      "mcopy", ["-i", drive, "::" + file, "-"], environment: Self.environment, package: "mtools")
  }

  /// - Throws: `ExternalCommand.Failure`, `CancellationError`.
  func files() async throws -> [String] {
    try await listing.text().split(whereSeparator: \.isNewline).compactMap {
      $0.hasPrefix("::/") && !$0.hasSuffix("/") ? String($0.dropFirst(2)) : nil
    }
  }

  /// - Throws: `ExternalCommand.Failure`, `CancellationError`.
  func content(of file: String) async throws -> [UInt8] {
    try await reading(file).output(limit: Self.loaderLimit)
  }
}
