// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// The EFI system partition's image: a file of the host that libisofs reads by itself.
struct PartitionFile {
  private let path: FilePath
  private let status: FileStatus

  /// Judges the image.
  init(_ path: FilePath) throws(ISOImage.Failure) {
    self.path = path
    do {
      try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking]).close()
      status = try FileStatus(path, followingLinks: true)
    } catch {
      throw .source(path, path: "", .unreadable(error as? Errno ?? .ioError))
    }
    guard status.kind == .file else { throw .source(path, path: "", .notAFile) }
    guard status.size.bytes > 0, status.size.bytes % 512 == 0 else { throw .source(path, path: "", .notAPartition) }
  }

  /// It must still be the file that it was.
  func confirmUnchanged() throws(ISOImage.Failure) {
    do {
      guard try FileStatus(path, followingLinks: true) != status else { return }
    } catch {
      throw .source(path, path: "", .unreadable(error))
    }
    throw .source(path, path: "", .changed)
  }
}
