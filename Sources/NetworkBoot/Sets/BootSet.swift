// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
@preconcurrency internal import Glibc
internal import HostSystem
internal import NIOCore
internal import NetworkBootProtocol
internal import SystemPackage

/// A set that is being served: the names that may be asked for, and nothing else.
///
/// A name is looked up as one word. What is opened then has its path from a digest, never from a name.
struct BootSet: Sendable {
  /// What was published.
  let index: SetIndex
  /// The fingerprint of the key that signed it; nil for a set without signature.
  let signedBy: String?
  private let site: Site
  private let objects: [String: SetIndex.Object]

  init(_ set: Site.OpenedSet, of site: Site) {
    (index, signedBy, self.site) = (set.index, set.signedBy, site)
    objects = Dictionary(set.index.objects.map { ($0.name, $0) }) { first, _ in first }
  }

  /// The object of a name; nil if the set has none.
  func object(_ name: ObjectName) -> SetIndex.Object? { objects[name.text] }

  /// Opens an object for reading; it may block.
  /// - Throws: `OperationFailure`; with `.ioError` where the file is not as large as the index says.
  func open(_ object: SetIndex.Object) throws -> OpenObject {
    let path = site.path(of: object)
    let descriptor = try OperationFailure.wrap("open", path) {
      try SystemPackage.FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
    }
    let open = OpenObject(descriptor, size: Int(object.size.bytes), path: path)
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else { throw OperationFailure("open", path, Errno(rawValue: errno)) }
    guard status.st_mode & S_IFMT == S_IFREG, Int64(status.st_size) == object.size.bytes else {
      throw OperationFailure("read", path, .ioError)
    }
    posix_fadvise(descriptor.rawValue, 0, 0, POSIX_FADV_SEQUENTIAL)
    return open
  }

  /// The names of objects that are not there whole.
  func missing() -> [String] {
    index.objects.filter { FileTree.status(of: site.path(of: $0))?.size != $0.size.bytes }.map(\.name)
  }

  /// A file that this user may not read; nil if there is none.
  func forbidden() -> FilePath? { index.objects.lazy.map { site.path(of: $0) }.first { FileTree.isForbidden($0) } }

  /// The boot files of each image, as decisions need them.
  /// - Throws: `NetworkBootProtocolFailure` for a name that nobody could ask for.
  func loaders() throws -> [String: [BootLoader: ObjectName]] {
    var images: [String: [BootLoader: ObjectName]] = [:]
    for image in index.images {
      var files: [BootLoader: ObjectName] = [:]
      for loader in BootLoader.allCases {
        guard let name = image.entries[loader.entry] else { continue }
        files[loader] = try ObjectName(name)
      }
      images[image.name] = files
    }
    return images
  }
}

extension BootLoader {
  /// The key of `SetIndex.Image.entries` under which an image names this file.
  var entry: String {
    switch self {
    case .ramDisk: "uefi-http"
    case .shim: "uefi-x64-pxe"
    case .ia32GRUB: "uefi-ia32-pxe"
    case .biosGRUB: "bios-pxe"
    case .ipxeScript: "ipxe"
    }
  }
}

/// An object's open file. It is closed when nobody needs it any more; a set that was switched away, or removed, can so be
/// read to its end.
final class OpenObject: Sendable {
  /// Its bytes.
  let size: Int
  private let descriptor: SystemPackage.FileDescriptor
  private let path: FilePath

  init(_ descriptor: SystemPackage.FileDescriptor, size: Int, path: FilePath) {
    self.descriptor = descriptor
    self.size = size
    self.path = path
  }

  deinit { try? descriptor.close() }

  /// A descriptor of its own for somebody who closes it.
  /// - Throws: `OperationFailure`.
  func duplicate() throws -> CInt {
    let copy = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw OperationFailure("open", path, Errno(rawValue: errno)) }
    return copy
  }

  /// Bytes from a place on, all of them; it may block.
  /// - Throws: `OperationFailure`; with `.ioError` at the end of the file.
  func bytes(at offset: Int, count: Int) throws -> ByteBuffer {
    var buffer = ByteBufferAllocator().buffer(capacity: count)
    while buffer.readableBytes < count {
      let left = count - buffer.readableBytes
      let place = Int64(offset + buffer.readableBytes)
      let got = try OperationFailure.wrap("read", path) {
        try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: left) {
          try descriptor.read(fromAbsoluteOffset: place, into: .init(rebasing: $0[..<left]))
        }
      }
      guard got > 0 else { throw OperationFailure("read", path, .ioError) }
    }
    return buffer
  }
}
