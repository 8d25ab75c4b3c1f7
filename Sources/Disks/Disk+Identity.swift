// SPDX-License-Identifier: GPL-3.0-or-later
package import DriveDiscovery
@preconcurrency internal import Glibc
internal import HostSystem
package import SystemPackage

extension Disk {
  /// Where a file or a device is found, besides its names.
  struct Place: Equatable {
    let isFile: Bool
    /// Of a file: its file system and its number there.
    private let file: [UInt64]
    /// Of a device: its number.
    let number: UInt64
    /// Of a file: its bytes.
    let size: Int64

    /// What a name leads to.
    /// - Throws: `DiskFailure.noDisk`; `OperationFailure`.
    init(_ path: FilePath) throws {
      var status = stat()
      guard stat(path.string, &status) == 0 else { throw OperationFailure("open", path, Errno(rawValue: errno)) }
      try self.init(status, path)
    }

    /// What was opened.
    init(_ descriptor: FileDescriptor, _ path: FilePath) throws {
      var status = stat()
      guard fstat(descriptor.rawValue, &status) == 0 else {
        throw OperationFailure("open", path, Errno(rawValue: errno))
      }
      try self.init(status, path)
    }

    private init(_ status: stat, _ path: FilePath) throws {
      isFile = status.st_mode & S_IFMT == S_IFREG
      guard isFile || status.st_mode & S_IFMT == S_IFBLK else { throw DiskFailure.noDisk(path) }
      (file, number) = isFile ? ([UInt64(status.st_dev), UInt64(status.st_ino)], 0) : ([], UInt64(status.st_rdev))
      size = isFile ? Int64(status.st_size) : 0
    }

    static func == (one: Place, other: Place) -> Bool {
      (one.isFile, one.file, one.number) == (other.isFile, other.file, other.number)
    }
  }

  /// Makes sure that the disk is still the one that was opened, and that its name leads to it: a person may have thought
  /// about a plan for hours.
  /// - Throws: `DiskFailure.otherDisk`.
  package func requireSame() throws {
    if let identity { try Self.require(identity, try identify(place.number), path) }
    guard (try? Place(path)) == place else { throw DiskFailure.nameTaken(path) }
  }

  static func require(_ expected: DriveIdentity, _ found: DriveIdentity, _ path: FilePath) throws {
    guard let field = found.differences(from: expected).first else { return }
    throw DiskFailure.otherDisk(
      path, field: field.words, expected: expected.text(of: field), found: found.text(of: field))
  }

  /// What libblkid finds on it.
  package func probe() -> Probe { Probe(of: descriptor) }

  package func device() throws -> FilePath {
    try requireSame()
    guard !isFile else { return path }
    let folder = FilePath("/sys/dev/block/\(DeviceNumber(rawValue: place.number))")
    guard let name = FileTree.linkTarget(of: folder)?.split(separator: "/").last else {
      throw DiskFailure.nameTaken(path)
    }
    // The kernel writes a slash of a name so, because a folder of sysfs cannot have one.
    let device = FilePath("/dev/" + name.replacing("!", with: "/"))
    guard (try? Place(device)) == place else { throw DiskFailure.nameTaken(device) }
    return device
  }
}
