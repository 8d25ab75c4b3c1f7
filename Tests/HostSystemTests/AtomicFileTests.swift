// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
@preconcurrency import Glibc
import HostSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct AtomicFileTests {
  let folder = try? TemporaryFolder()
  struct Interruption: Error {}

  @Test func writesAndReplaces() throws {
    let folder = try #require(folder)
    let file = folder.appending("file")
    try AtomicFile.write(Array("old".utf8), to: file)
    try AtomicFile.write(Array("new".utf8), to: file)
    #expect(try FileTree.text(of: file) == "new")
    #expect(folder.names == ["file"])
  }

  /// What happens after the rename is told as what it is, and a descriptor that was closed is not closed again: its number
  /// is somebody else's by then.
  @Test func aFolderThatCannotBeSynchronised() throws {
    let folder = try #require(folder)
    let file = try folder.write("file", "old")
    let other = folder.appending("other")
    let opened = Mutex<CInt>(-1)
    let failure = try #require(throws: AtomicFile.NotDurable.self) {
      try AtomicFile.$folderSync.withValue({ _ in
        opened.withLock { $0 = open(other.string, O_RDWR | O_CREAT, 0o600) }
        return EIO
      }) { try AtomicFile.write(Array("new".utf8), to: file) }
    }
    #expect(failure.path == file && failure.errno == .ioError && failure.message.contains("in its place"))
    #expect(try FileTree.text(of: file) == "new")
    #expect(folder.names == ["file", "other"])
    let number = opened.withLock { $0 }
    #expect(fcntl(number, F_GETFD) >= 0, "the descriptor of another file was closed")
    close(number)
    // A file system without such a call is no failure.
    try AtomicFile.$folderSync.withValue({ _ in EINVAL }) { try AtomicFile.write(Array("newer".utf8), to: file) }
    #expect(try FileTree.text(of: file) == "newer")
  }

  @Test func leavesTheOldFileWhenTheWriterFails() throws {
    let folder = try #require(folder)
    let file = try folder.write("file", "old")
    #expect(throws: Interruption.self) {
      try AtomicFile.create(at: file) { descriptor, temporary in
        _ = try descriptor.writeAll(Array("half of the n".utf8))
        #expect(temporary.removingLastComponent() == folder.path)
        #expect(try FileTree.text(of: file) == "old")
        throw Interruption()
      }
    }
    #expect(try FileTree.text(of: file) == "old")
    #expect(folder.names == ["file"])
  }

  /// The worker of the next test: writes half a file and then kills itself, as a power cut or the OOM killer would.
  @Test func leavesTheOldFileWhenTheWriterIsKilled() async throws {
    let folder = try #require(folder)
    let file = try folder.write("file", "old")
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = file.string as String] in
      try AtomicFile.create(at: FilePath(path)) { descriptor, _ in
        _ = try descriptor.writeAll(Array("half of the n".utf8))
        kill(getpid(), SIGKILL)
      }
    }
    #expect(try FileTree.text(of: file) == "old")
    #expect(folder.names.count == 2, "the half-written file keeps its hidden temporary name")
    #expect(folder.names.contains { $0.hasPrefix(".file.") })
    try folder.write(".file.swp", "an editor's")
    try AtomicFile.create(at: file) { _, temporary in
      AtomicFile.removeLeftovers(of: file)
      let living = try #require(temporary.lastComponent?.string)
      #expect(Set(folder.names) == ["file", ".file.swp", living], "neither what lives nor what is another's goes")
    }
  }

  @Test(arguments: ["", "sub/"])
  func namesAFolderThatIsMissing(prefix: String) throws {
    let folder = try #require(folder)
    let file = folder.appending("absent/\(prefix)file")
    #expect(throws: OperationFailure("create", file, .noSuchFileOrDirectory)) { try AtomicFile.write([1], to: file) }
  }

  @Test func refusesAPathWithoutAName() {
    #expect(throws: OperationFailure("create", "/", .isDirectory)) { try AtomicFile.write([1], to: "/") }
  }

  @Test func cannotReplaceAFolder() throws {
    let folder = try #require(folder)
    try folder.write("taken/file", "x")
    let path = folder.appending("taken")
    #expect(throws: OperationFailure("rename", path, .isDirectory)) { try AtomicFile.write([1], to: path) }
    #expect(folder.names == ["taken"])
  }

  /// A file-size limit makes the kernel refuse a write in the middle, as a full disk does.
  @Test func leavesTheOldFileWhenTheDiskIsFull() async throws {
    let folder = try #require(folder)
    let file = try folder.write("file", "old")
    await #expect(processExitsWith: .exitCode(7)) { [path = file.string as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      do {
        try AtomicFile.write([UInt8](repeating: 1, count: 1_000_000), to: FilePath(path))
      } catch let failure as OperationFailure {
        exit(failure == OperationFailure("write", FilePath(path), .fileTooLarge) ? 7 : 8)
      }
    }
    #expect(try FileTree.text(of: file) == "old")
    #expect(folder.names == ["file"])
  }

  @Test func writesWhatIsNew() throws {
    let folder = try #require(folder)
    let file = folder.appending("file")
    try AtomicFile.writeNew(Array("new".utf8), to: file)
    #expect(throws: OperationFailure("create", file, .fileExists)) { try AtomicFile.writeNew([1], to: file) }
    #expect(try FileTree.text(of: file) == "new")
    #expect(folder.names == ["file"])
    let nowhere = folder.appending("absent/file")
    #expect(throws: OperationFailure("create", nowhere, .noSuchFileOrDirectory)) {
      try AtomicFile.writeNew([1], to: nowhere)
    }
  }

  @Test(arguments: [
    (Errno.noSpace, "write", "disk-full", FailureKind.cannotCreate),
    (.diskQuotaExceeded, "write", "disk-full", .cannotCreate),
    (.noSuchFileOrDirectory, "open", "no-such-file", .noInput),
    (.permissionDenied, "open", "permission-denied", .noInput),
    (.permissionDenied, "create", "permission-denied", .cannotCreate),
    (.readOnlyFileSystem, "create", "permission-denied", .cannotCreate),
    (.notDirectory, "create folder", "not-a-folder", .cannotCreate),
    (.ioError, "read", "io-error", .inputOutput),
  ])
  func failuresSayWhatHelps(errno: Errno, operation: String, code: String, kind: FailureKind) {
    let failure = OperationFailure(operation, "/srv/out.iso", errno)
    #expect(failure.code == code)
    #expect(failure.kind == kind)
    #expect(failure.message.hasPrefix("\(operation) /srv/out.iso: "))
    #expect((failure.remedy == nil) == (code == "io-error"))
  }
}
