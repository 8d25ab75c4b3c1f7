// SPDX-License-Identifier: GPL-3.0-or-later
public import BootAssembly
@preconcurrency internal import Glibc
internal import HostSystem
public import SystemPackage

extension BootTree {
  /// A tree that carries what a folder of this computer holds: files, folders and symbolic links with their
  /// permissions; not their owners and times.
  ///
  /// Symbolic links are kept as they are, never followed below `folder`. Files are looked at now and read when the
  /// tree is written; one that has changed by then is an error.
  /// - Parameters:
  ///   - folder: what to walk.
  ///   - volumeIdentifier: see `volumeIdentifier`.
  ///   - timestamp: what everything is stamped with, in seconds since 1970.
  /// - Throws: `ISOImage.Failure.source` naming a device, pipe, socket, unreadable folder or a name that is no UTF-8.
  public init(
    folder: FilePath, volumeIdentifier: String, timestamp: Int64, biosBoot: BIOSBoot? = nil,
    efiSystemPartition: FilePath? = nil
  ) throws {
    var walk = FolderWalk(root: try AbsolutePath.of(folder))
    try walk.visit(walk.root, below: "")
    self.init(
      volumeIdentifier: volumeIdentifier, timestamp: timestamp, entries: walk.entries, biosBoot: biosBoot,
      efiSystemPartition: efiSystemPartition)
  }
}

extension BootTree.BIOSBoot {
  /// Names a BIOS boot image and reads the hybrid MBR's 512 bytes (GRUB's `boot_hybrid.img`) from a file.
  /// - Throws: `ISOImage.Failure` naming the file, or its size if that is another.
  public init(image: String, mbrFile: FilePath) throws {
    do {
      let descriptor = try FileDescriptor.open(mbrFile, .readOnly, options: [.closeOnExec, .nonBlocking])
      let bytes = try descriptor.closeAfter {
        try [UInt8](unsafeUninitializedCapacity: 513) {
          $1 = try descriptor.read(into: UnsafeMutableRawBufferPointer($0))
        }
      }
      guard bytes.count == 512 else { throw ISOImage.Failure.tree(.hybridMBR(size: bytes.count)) }
      self.init(image: image, hybridMBR: bytes)
    } catch let error as Errno {
      throw ISOImage.Failure.source(mbrFile, path: "", .unreadable(error))
    }
  }
}

private struct FolderWalk {
  let root: FilePath
  var entries: [BootTree.Entry] = []

  mutating func visit(_ folder: FilePath, below prefix: String) throws {
    for bytes in try Self.names(in: folder) {
      guard let name = String(validating: bytes, as: UTF8.self) else {
        let shown = String(decoding: bytes, as: UTF8.self)
        throw ISOImage.Failure.source(folder, path: prefix + shown, .notUTF8)
      }
      try add(folder.appending(name), prefix + name)
    }
  }

  private mutating func add(_ file: FilePath, _ path: String) throws {
    let status: FileStatus
    do { status = try FileStatus(file, followingLinks: false) } catch {
      throw ISOImage.Failure.source(file, path: path, .unreadable(error))
    }
    switch status.kind {
    case .file: entries.append(.init(path, .file(file, status.size), permissions: status.permissions))
    case .symbolicLink: entries.append(.init(path, .symbolicLink(try Self.target(of: file, path)), permissions: 0o777))
    case .folder:
      entries.append(.init(path, .folder, permissions: status.permissions))
      try visit(file, below: path + "/")
    case .special: throw ISOImage.Failure.source(file, path: path, .notAFile)
    }
  }

  /// The names in a folder as the bytes that they are, without `.` and `..`.
  private static func names(in folder: FilePath) throws -> [[UInt8]] {
    guard let stream = opendir(folder.string) else { throw unreadable(folder, "") }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    errno = 0
    while let entry = readdir(stream) {
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if bytes != Array(".".utf8), bytes != Array("..".utf8) { names.append(bytes) }
      errno = 0
    }
    guard errno == 0 else { throw unreadable(folder, "") }
    return names
  }

  private static func target(of link: FilePath, _ path: String) throws -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(link.string, &buffer, buffer.count)
    guard count >= 0 else { throw unreadable(link, path) }
    guard let text = String(validating: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) else {
      throw ISOImage.Failure.source(link, path: path, .notUTF8)
    }
    return text
  }

  private static func unreadable(_ file: FilePath, _ path: String) -> ISOImage.Failure {
    .source(file, path: path, .unreadable(Errno(rawValue: errno)))
  }
}
