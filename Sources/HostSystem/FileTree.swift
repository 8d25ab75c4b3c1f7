// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
public import SystemPackage

/// The few things to be done with whole files and folders.
public enum FileTree {
  /// The content of a file.
  /// - Throws: `OperationFailure`.
  public static func bytes(of path: FilePath) throws -> [UInt8] {
    let descriptor = try OperationFailure.wrap("open", path) {
      try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    }
    return try OperationFailure.wrap("read", path) {
      try descriptor.closeAfter {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = try buffer.withUnsafeMutableBytes({ try descriptor.read(into: $0) }), count > 0 {
          bytes += buffer[..<count]
        }
        return bytes
      }
    }
  }

  /// The content of a file as text; bytes that are not UTF-8 are replaced.
  /// - Throws: `OperationFailure`.
  public static func text(of path: FilePath) throws -> String { String(decoding: try bytes(of: path), as: UTF8.self) }

  /// The names in a folder, sorted; empty if it cannot be read.
  public static func names(in folder: FilePath) -> [String] {
    guard let stream = opendir(folder.string) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// What stands under a name; symbolic links are not followed.
  public static func kind(of path: FilePath) -> Kind? {
    var status = stat()
    guard lstat(path.string, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    case S_IFLNK: return .symbolicLink
    default: return .special
    }
  }

  /// What a name can stand for.
  public enum Kind: Sendable { case file, folder, symbolicLink, special }

  /// The size and permission bits of a file; nil if it does not exist.
  public static func status(of path: FilePath) -> (size: Int64, permissions: UInt16, modified: Int64)? {
    var status = stat()
    guard stat(path.string, &status) == 0 else { return nil }
    return (Int64(status.st_size), UInt16(status.st_mode & 0o7777), Int64(status.st_mtim.tv_sec))
  }

  /// The absolute path without links, or nil if nothing is there.
  public static func resolved(_ path: FilePath) -> FilePath? {
    guard let real = realpath(path.string, nil) else { return nil }
    defer { free(real) }
    return FilePath(platformString: real)
  }

  /// Every path below a folder, relative to it, sorted; folders before what they hold; links are not followed.
  public static func walk(_ folder: FilePath) -> [String] {
    var found: [String] = []
    func visit(_ path: FilePath, _ prefix: String) {
      for name in names(in: path) {
        found.append(prefix + name)
        let child = path.appending(name)
        if kind(of: child) == .folder { visit(child, prefix + name + "/") }
      }
    }
    visit(folder, "")
    return found.sorted()
  }

  /// Makes a folder and those above it.
  /// - Throws: `OperationFailure`.
  public static func makeFolder(_ path: FilePath) throws {
    var partial = path.isAbsolute ? FilePath("/") : FilePath()
    for component in path.components {
      partial.append(component)
      guard mkdir(partial.string, 0o755) != 0 else { continue }
      let error = Errno(rawValue: errno)
      if kind(of: partial) == .folder || status(of: partial) != nil, error != .permissionDenied { continue }
      if status(of: partial) == nil { throw OperationFailure("create folder", partial, error) }
    }
    var status = stat()
    guard path.isEmpty || stat(path.string, &status) != 0 || status.st_mode & S_IFMT == S_IFDIR else {
      throw OperationFailure("create folder", path, .notDirectory)
    }
  }

  /// Removes a file or a whole folder; what is not there or may not be removed is passed over.
  public static func remove(_ path: FilePath) {
    if kind(of: path) == .folder {
      for name in names(in: path) { remove(path.appending(name)) }
      rmdir(path.string)
    } else {
      unlink(path.string)
    }
  }

  /// One digest over the names, kinds, permissions and contents of all that is below a folder.
  /// - Throws: `OperationFailure`.
  public static func digest(of folder: FilePath) throws -> Digest {
    var lines: [String] = []
    for name in walk(folder) {
      let path = folder.appending(name)
      switch kind(of: path) {
      case .file?:
        let executable = (status(of: path)?.permissions ?? 0) & 0o111 != 0
        lines.append(
          "\(executable ? "x" : "f") \(name) \(try OperationFailure.wrap("read", path) { try Digest(ofFile: path) })")
      case .symbolicLink?: lines.append("l \(name) \(linkTarget(of: path) ?? "")")
      case .folder?: lines.append("d \(name)")
      default: lines.append("? \(name)")
      }
    }
    return Digest(of: lines.joined(separator: "\n"))
  }

  /// Where a symbolic link points; nil if it is none.
  public static func linkTarget(of path: FilePath) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path.string, &buffer, buffer.count)
    return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension FileTree {
  /// Writes a file's, or all of a folder's, content through to the disk.
  /// - Throws: `OperationFailure`.
  public static func synchronise(_ path: FilePath) throws {
    let files =
      kind(of: path) == .folder ? walk(path).map { path.appending($0) }.filter { kind(of: $0) == .file } : [path]
    for file in files {
      let descriptor = try OperationFailure.wrap("open", file) {
        try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
      }
      defer { try? descriptor.close() }
      guard fsync(descriptor.rawValue) == 0 else { throw OperationFailure("write", file, Errno(rawValue: errno)) }
    }
  }
}

extension FileTree {
  /// Sets a file's times to now; a cache's sign of use.
  public static func touch(_ path: FilePath) { utimensat(AT_FDCWD, path.string, nil, 0) }

  /// Makes a symbolic link, replacing what stands there.
  /// - Throws: `OperationFailure`.
  public static func makeLink(_ path: FilePath, to target: String) throws {
    unlink(path.string)
    guard symlink(target, path.string) == 0 else { throw OperationFailure("create link", path, Errno(rawValue: errno)) }
  }

  /// Gives a file another name on its file system; false where that cannot be, for whatever reason.
  public static func makeHardLink(_ path: FilePath, to file: FilePath) -> Bool { link(file.string, path.string) == 0 }

  /// Whether something may be there that this process may not read.
  public static func isForbidden(_ path: FilePath) -> Bool { access(path.string, R_OK) != 0 && errno == EACCES }

  /// Gives a folder and everything below it the modes of a system's files, whatever they were made with: 0755 for
  /// folders and for files that anybody may execute, 0644 for all other files.
  /// - Parameter others: paths below the folder that have another mode.
  /// - Throws: `OperationFailure`.
  public static func setSystemModes(_ folder: FilePath, except others: [String: UInt16] = [:]) throws {
    try setPermissions(folder, 0o755)
    for name in walk(folder) {
      let path = folder.appending(name)
      switch kind(of: path) {
      case .folder?: try setPermissions(path, others[name] ?? 0o755)
      case .file?:
        let isExecutable = (status(of: path)?.permissions ?? 0) & 0o111 != 0
        try setPermissions(path, others[name] ?? (isExecutable ? 0o755 : 0o644))
      default: continue
      }
    }
  }

  /// Sets permission bits, whatever the umask.
  /// - Throws: `OperationFailure`.
  public static func setPermissions(_ path: FilePath, _ bits: UInt16) throws {
    guard chmod(path.string, mode_t(bits)) == 0 else { throw OperationFailure("chmod", path, Errno(rawValue: errno)) }
  }
}
