// SPDX-License-Identifier: GPL-3.0-or-later
internal import DriveDiscovery
@preconcurrency internal import Glibc
package import HostSystem
package import SystemPackage

/// A partition as the kernel has it. The table on the disk may say something else: while a partition is in use, the
/// kernel does not take a table that is without it.
package struct KernelPartition: Equatable {
  package var device: FilePath
  package var range: Range<Int64>
}

extension Disk {
  /// The kernel's partitions of this disk; a file has none.
  package func kernelPartitions() -> [KernelPartition] {
    var status = stat()
    guard !isFile, fstat(descriptor.rawValue, &status) == 0 else { return [] }
    let folder = FilePath("/sys/dev/block/\(DeviceNumber(rawValue: UInt64(status.st_rdev)))")
    return FileTree.names(in: folder).compactMap { name -> KernelPartition? in
      func number(_ file: FilePath.Component) -> Int64? {
        let text = try? FileTree.text(of: folder.appending(name).appending(file))
        return text.flatMap { Int64($0.filter { !$0.isWhitespace }) }
      }
      guard number("partition") != nil, let start = number("start"), let size = number("size") else { return nil }
      // In units of 512 bytes, whatever the disk's sector has (Linux, Documentation/block/stat.rst).
      return KernelPartition(
        device: FilePath("/dev/" + name.map { $0 == "!" ? "/" : String($0) }.joined()),
        range: start << 9..<(start + size) << 9)
    }
  }

  /// Refuses a place where the kernel has a partition.
  /// - Throws: `DiskFailure.kernelDiffers`.
  package func requireFree(_ range: Range<Int64>) throws {
    if let other = kernelPartitions().first(where: { $0.range.overlaps(range) }) {
      throw DiskFailure.kernelDiffers(path, device: other.device)
    }
  }

  /// Holds a partition's device alone until the result is closed: nobody can mount it meanwhile, and whoever has mounted
  /// it keeps us off (open(2), `O_EXCL` of a block device). Nil where the kernel has no device that could be mounted.
  /// - Throws: `DiskFailure.inUse`; `OperationFailure`.
  package func hold(_ number: Int, at start: ByteCount) throws -> FileDescriptor? {
    guard let partition = kernelPartitions().first(where: { $0.range.lowerBound == start.bytes }) else { return nil }
    do {
      return try FileDescriptor.open(partition.device, .readOnly, options: [.exclusiveCreate, .closeOnExec])
    } catch Errno.resourceBusy {
      throw DiskFailure.inUse(path, number: number)
    } catch Errno.noSuchFileOrDirectory {
      return nil
    } catch let error as Errno {
      throw OperationFailure("open", partition.device, error)
    }
  }
}
