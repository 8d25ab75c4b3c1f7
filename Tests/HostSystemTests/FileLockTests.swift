// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct FileLockTests {
  @Test func keepsAnotherProcessOutUntilItIsReleased() async throws {
    let folder = try TemporaryFolder()
    let path = folder.appending("lock")
    var lock: FileLock? = try FileLock(path)
    await #expect(processExitsWith: .exitCode(75)) { [path = path.string as String] in
      do { _ = try FileLock(FilePath(path)) } catch let busy as FileLock.Busy { exit(busy.kind == .busy ? 75 : 1) }
    }
    #expect(lock != nil)
    lock = nil
    await #expect(processExitsWith: .success) { [path = path.string as String] in _ = try FileLock(FilePath(path)) }
  }

  @Test func endsWithTheProcessHoweverItEnds() async throws {
    let folder = try TemporaryFolder()
    let path = folder.appending("lock")
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path.string as String] in
      let lock = try FileLock(FilePath(path))
      withExtendedLifetime(lock) { _ = kill(getpid(), SIGKILL) }
    }
    #expect(throws: Never.self) { try FileLock(path) }
  }

  @Test func canBeShared() throws {
    let folder = try TemporaryFolder()
    let path = folder.appending("lock")
    let first = try FileLock(path, shared: true)
    let second = try FileLock(path, shared: true)
    #expect(try #require(throws: FileLock.Busy.self) { try FileLock(path) }.path == path)
    withExtendedLifetime((first, second)) {}
  }

  @Test func namesThePathItCannotLock() throws {
    let folder = try TemporaryFolder()
    let path = folder.appending("absent/lock")
    #expect(throws: OperationFailure("lock", path, .noSuchFileOrDirectory)) { try FileLock(path) }
  }
}
