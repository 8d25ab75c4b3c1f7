// SPDX-License-Identifier: GPL-3.0-or-later
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
    return try await DriveFile.withFolder { folder in
      let source = try await image(ResetLayout(size: target.size), blockSize: target.blockSize, in: folder)
      let outcomes = await FlashSession(source).run(on: [target], progress: progress)
      guard let outcome = outcomes.first else { throw CancellationError() }
      return outcome
    }
  }

  /// The drive as it shall be: of its image, only what mkfs wrote, the ends and what has to be erased are moved.
  private func image(_ layout: ResetLayout, blockSize: Int, in folder: FilePath) async throws -> OpenedSource {
    let drive = try DriveFile(in: folder, size: layout.size)
    let head = layout.masterBootRecord(
      type: fileSystem.partitionType, blockSize: blockSize, identifier: .random(in: 1 ... .max))
    try drive.write(head, at: 0)
    let written = try await drive.format(layout.partition) {
      [fileSystem.command($0, label: label, blockSize: blockSize)]
    }
    return OpenedSource(
      drive.path, size: ByteCount(layout.size),
      pieces: PiecePlan.pieces(size: layout.size, data: [0..<Int64(head.count)] + written, zeroing: layout.wiped))
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
