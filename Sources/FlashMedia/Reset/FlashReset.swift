// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
public import HostSystem
package import SystemPackage

/// Makes an ordinary empty drive of what was a medium: one partition with an empty file system over all of it.
///
/// ```
///   |MBR|...1 MiB...|file system: boot record, tables        |     ...its rest stays as it is...     |tail|
///   └ written last  └ made by mkfs in a file of that size, of which only what mkfs wrote is moved    └ zeros
/// ```
///
/// It goes the way of any image, with all that a session does about drives: held alone, probed for its capacity,
/// read back, the first piece last. Nothing is made of the partition by the kernel before all of it is there, and no
/// program but Lifeboat writes to the drive. What blkid would take for something else at the ends of the drive and of
/// the partition is set to zero; data between them stays, and is no longer listed.
public struct FlashReset: Sendable, Hashable {
  /// What the partition holds.
  public let fileSystem: FileSystem
  /// The file system's label, as it is written; none if there is none.
  public let label: String?

  /// A file system that every computer reads.
  public enum FileSystem: String, Sendable, Codable, CaseIterable {
    /// For files of any size.
    case exfat
    /// For old devices too; no file above 4 GiB.
    case fat32
  }

  /// Describes a reset.
  /// - Throws: `FlashMediaFailure.badLabel`.
  public init(_ fileSystem: FileSystem = .exfat, label: String? = nil) throws(FlashMediaFailure) {
    self.fileSystem = fileSystem
    self.label = try label.map { text throws(FlashMediaFailure) in try fileSystem.label(text) }
  }

  /// Where the partition of a drive of some size lies.
  public static func partition(of size: ByteCount) -> FlashRange { FlashRange(ResetLayout(size: size.bytes).partition) }

  /// Does it. A cancelled task ends it within a second.
  /// - Returns: what became of the drive; `StickState.complete` means that the file system is there, read back.
  /// - Throws: `FlashMediaFailure.refused` before anything is written; `ExternalCommand.Failure` naming the package of
  ///   mkfs.exfat or mkfs.vfat; `OperationFailure` where the temp folder has no room.
  public func run(
    on target: FlashTarget, progress: @escaping FlashProgress.Handler = { _ in }
  ) async throws -> FlashOutcome {
    try check(target)
    let folder = try Self.makeFolder()
    defer { FileTree.remove(folder) }
    let source = try await drive(ResetLayout(size: target.size), blockSize: target.blockSize).source(in: folder) {
      fileSystem.command($0, label: label, blockSize: target.blockSize)
    }
    let outcomes = await FlashSession(source).run(on: [target], progress: progress)
    guard let outcome = outcomes.first else { throw CancellationError() }
    return outcome
  }

  private func drive(_ layout: ResetLayout, blockSize: Int) -> PartitionedDrive {
    PartitionedDrive(
      size: layout.size, partition: layout.partition, wiped: layout.wiped,
      head: layout.masterBootRecord(
        type: fileSystem.partitionType, blockSize: blockSize, identifier: .random(in: 1 ... .max)))
  }

  private func check(_ target: FlashTarget) throws(FlashMediaFailure) {
    let size = ByteCount(target.size)
    guard size >= fileSystem.smallest else {
      throw .refused(target.path, .tooSmall(size: size, needed: fileSystem.smallest))
    }
    guard ResetLayout.fits(size: target.size, blockSize: target.blockSize) else {
      throw .refused(target.path, .tooLarge(size: size))
    }
    // mkfs.exfat of exfatprogs 1.2 asks the device for its block, and takes 512 bytes for a file.
    guard fileSystem != .exfat || target.blockSize == 512 else {
      throw .refused(target.path, .blockSize(target.blockSize))
    }
  }

  private static func makeFolder() throws -> FilePath {
    let folder = FilePath(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
      .appending("lifeboat-reset.\(String(UInt64.random(in: 0 ... .max), radix: 36))")
    guard mkdir(folder.string, 0o700) == 0 else {
      throw OperationFailure("create folder", folder, Errno(rawValue: errno))
    }
    return folder
  }
}

extension FlashReset.FileSystem {
  /// What has room for it, the partition table included.
  public var smallest: ByteCount {
    switch self {
    case .exfat: .mebibytes(16)
    case .fat32: .mebibytes(64)
    }
  }

  /// The program that makes one in a file.
  package func command(_ file: FilePath, label: String?, blockSize: Int) -> ExternalCommand {
    switch self {
    case .exfat:
      ExternalCommand("mkfs.exfat", (label.map { ["-L", $0] } ?? []) + [file.string], package: "exfatprogs")
    case .fat32:
      ExternalCommand(
        "mkfs.vfat",
        ["-F", "32", "-S", "\(blockSize)", "-h", "\(ResetLayout.start / Int64(blockSize))"]
          + (label.map { ["-n", $0] } ?? []) + [file.string], package: "dosfstools")
    }
  }

  /// A label as this file system keeps it.
  package func label(_ text: String) throws(FlashMediaFailure) -> String {
    let kept = self == .fat32 ? text.uppercased() : text
    guard !kept.isEmpty, kept.utf16.count <= 11 else { throw .badLabel(text, "1 to 11 characters") }
    let isFine =
      switch self {
      case .exfat: kept.unicodeScalars.allSatisfy { $0.value >= 0x20 && !"\"*/:<>?\\|".unicodeScalars.contains($0) }
      case .fat32:
        kept.unicodeScalars.allSatisfy {
          $0.isASCII && $0.value >= 0x20 && $0.value != 0x7f && !"\"*/:<>?\\|+,.;=[]".unicodeScalars.contains($0)
        }
      }
    guard isFine, kept.first != " " else {
      throw .badLabel(text, self == .fat32 ? "letters A to Z, digits, - and _" : "no \" * / : < > ? \\ |")
    }
    return kept
  }
}
