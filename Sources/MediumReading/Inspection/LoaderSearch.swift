// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// Finds the EFI programs of an image: in the FAT images that firmware reads, and among the ISO's own files.
struct LoaderSearch {
  let reader: ISOReader
  private let lister: String

  /// What was found.
  struct Result {
    var loaders: [EFILoader] = []
    /// The names of loaders in each FAT image, by the image's offset; nil where it could not be read.
    var partitions: [ByteCount: [EFILoader]] = [:]
    /// How many bytes each FAT image says it has; nil where none stands there.
    var sizes: [ByteCount: Int64] = [:]
    var notes: [String] = []
    /// Why FAT images could not be read.
    var obstacle: String?
  }

  private static let loaderLimit = 64

  init(_ reader: ISOReader, lister: String = "mdir") {
    self.reader = reader
    self.lister = lister
  }

  /// - Throws: `CancellationError`, `OperationFailure`.
  func run() async throws -> Result {
    var result = Result()
    for offset in partitionOffsets() {
      result.sizes[offset] = try SystemPartitionFiles.size(at: offset, reader.image)
      do {
        let found = try await loaders(inPartitionAt: offset)
        result.partitions[offset] = found
        result.loaders += found
      } catch let failure as ExternalCommand.Failure {
        result.obstacle = obstacle(failure)
        result.notes.append("the EFI system partition at byte \(offset.exact) could not be read: \(obstacle(failure))")
      }
    }
    let files = reader.tree.nodes.filter { $0.kind == .file && Self.isLoader($0.path) }.prefix(Self.loaderLimit)
    for file in files {
      let bytes = try? reader.content(of: file, limit: ByteCount(SystemPartitionFiles.loaderLimit))
      result.loaders.append(EFILoader(place: .iso, path: "/" + file.path, bytes: bytes ?? []))
    }
    return result
  }

  private func obstacle(_ failure: ExternalCommand.Failure) -> String {
    switch failure {
    case .notInstalled: "mtools is not installed (apt-get install mtools)"
    case .failed(_, _, let lines): lines.last?.printable ?? "it is not a FAT file system"
    }
  }

  /// The EFI system partition and El Torito's images for UEFI, which are mostly the same.
  private func partitionOffsets() -> [ByteCount] {
    let images = (reader.catalogue?.entries ?? []).filter { $0.platform == 0xEF }.map(\.offset)
    let partition = reader.efiSystemPartition.map { [$0.offset] } ?? []
    return Set(images + partition).filter { $0 < reader.image.size }.sorted()
  }

  private func loaders(inPartitionAt offset: ByteCount) async throws -> [EFILoader] {
    let partition = SystemPartitionFiles(path: reader.image.path, offset: offset, lister: lister)
    var found: [EFILoader] = []
    for file in try await partition.files().filter(Self.isLoader).prefix(Self.loaderLimit) {
      let bytes = try await partition.content(of: file)
      found.append(EFILoader(place: .efiSystemPartition, path: file.printable, bytes: bytes))
    }
    return found
  }

  private static func isLoader(_ path: String) -> Bool { path.lowercased().hasSuffix(".efi") }
}
