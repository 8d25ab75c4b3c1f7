// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import MediumWriting

extension ISOWriting {
  /// Sources that lie, change or vanish, and destinations that cannot be: the file is named, nothing is left behind,
  /// and what stood there before still stands there.
  @Suite struct BadDays {
    /// Expects a failure, and the destination as it was.
    private func expect(
      _ failure: ISOImage.Failure, _ tree: BootTree, progress: ProgressEvent.Handler? = nil,
      sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
      let output = try TemporaryFolder()
      try output.file("out.iso", [1, 2, 3])
      await #expect(throws: failure, sourceLocation: sourceLocation) {
        _ = try await ISOImage.write(tree, to: output["out.iso"], progress: progress)
      }
      #expect(output.names == ["out.iso"], sourceLocation: sourceLocation)
      #expect(try bytes(of: output["out.iso"]) == [1, 2, 3], sourceLocation: sourceLocation)
    }

    @Test func sourceMissing() async throws {
      let tree = dataTree([.init("a/b", .file("/nonexistent/file", ByteCount(1)))])
      try await expect(.source("/nonexistent/file", path: "a/b", .unreadable(.noSuchFileOrDirectory)), tree)
    }

    @Test func sourceIsNoFile() async throws {
      let scratch = try TemporaryFolder()
      #expect(mkfifo(scratch["pipe"].string, 0o600) == 0)
      for special in [scratch["pipe"], scratch.path, "/dev/null"] {
        try await expect(.source(special, path: "x", .notAFile), dataTree([.init("x", .file(special, .zero))]))
      }
    }

    @Test func sourceOfAnotherSize() async throws {
      let file = try TemporaryFolder()
      let path = try file.file("f", [1, 2, 3])
      for size in [0, 2, 4] {
        let expected = ByteCount(size)
        try await expect(
          .source(path, path: "x", .size(expected: expected, actual: ByteCount(3))),
          dataTree([.init("x", .file(path, expected))]))
      }
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything"))
    func sourceUnreadable() async throws {
      let scratch = try TemporaryFolder()
      let path = try scratch.file("f", [1], permissions: 0o000)
      try await expect(
        .source(path, path: "x", .unreadable(.permissionDenied)), dataTree([.init("x", .file(path, ByteCount(1)))]))
    }

    /// Both files are read long after the writing has begun: 64 MiB lie before them, the ring buffer has 4 MiB.
    @Test(arguments: ["shrunk", "grown", "rewritten", "replaced", "emptied while open"])
    func sourceChangesMeanwhile(how: String) async throws {
      let scratch = try TemporaryFolder()
      let big = try scratch.sparse("big", .mebibytes(64))
      let late = try scratch.file("late", pattern(100_000))
      let tree = dataTree([
        .init("a-big", .file(big, .mebibytes(64))), .init("z-late", .file(late, ByteCount(100_000))),
      ])
      let culprit = how == "emptied while open" ? (big, "a-big") : (late, "z-late")
      try await expect(.source(culprit.0, path: culprit.1, .changed), tree) { event in
        guard case .started = event else { return }
        switch how {
        case "shrunk": truncate(late.string, 50_000)
        case "grown": truncate(late.string, 100_001)
        case "rewritten": try? Data(pattern(100_000, seed: 2)).write(to: URL(filePath: late.string))
        case "replaced":
          try? Data(pattern(100_000)).write(to: URL(filePath: late.string + ".new"))
          rename(late.string + ".new", late.string)
        default: truncate(big.string, 10 << 20)
        }
      }
    }

    @Test func sourceVanishesMeanwhile() async throws {
      let scratch = try TemporaryFolder()
      let big = try scratch.sparse("big", .mebibytes(64))
      let late = try scratch.file("late", [1])
      let tree = dataTree([.init("a", .file(big, .mebibytes(64))), .init("z", .file(late, ByteCount(1)))])
      try await expect(.source(late, path: "z", .unreadable(.noSuchFileOrDirectory)), tree) { event in
        if case .started = event { unlink(late.string) }
      }
    }

    @Test func partitionImage() async throws {
      let scratch = try TemporaryFolder()
      var tree = dataTree([])
      tree.efiSystemPartition = scratch["none.img"]
      try await expect(.source(scratch["none.img"], path: "", .unreadable(.noSuchFileOrDirectory)), tree)
      for size in [0, 1000] {
        tree.efiSystemPartition = try scratch.file("odd.img", pattern(size))
        try await expect(.source(scratch["odd.img"], path: "", .notAPartition), tree)
      }
      tree.efiSystemPartition = scratch.path
      try await expect(.source(scratch.path, path: "", .notAFile), tree)
    }

    @Test func partitionImageChangesMeanwhile() async throws {
      for size: Int64 in [0, 512, 2 << 20] {
        let scratch = try TemporaryFolder()
        let tree = try bootableTree(
          in: scratch, [.init("a", .file(try scratch.sparse("b", .mebibytes(32)), .mebibytes(32)))])
        try await expect(.source(scratch["efi.img"], path: "", .changed), tree) { event in
          if case .started = event { truncate(scratch["efi.img"].string, off_t(size)) }
        }
      }
    }

    @Test func cancelled() async throws {
      let scratch = try TemporaryFolder()
      let output = try TemporaryFolder()
      let big = try scratch.sparse("big", .mebibytes(256))
      let tree = dataTree([.init("big", .file(big, .mebibytes(256)))])
      let running = Mutex<Task<ISOImage.Written, any Error>?>(nil)
      let (started, continuation) = AsyncStream.makeStream(of: Void.self)
      let task = Task {
        for await _ in started { break }
        return try await ISOImage.write(tree, to: output["out.iso"]) { event in
          if case .advanced = event { running.withLock { $0 }?.cancel() }
        }
      }
      running.withLock { $0 = task }
      continuation.yield()
      await #expect(throws: CancellationError.self) { _ = try await task.value }
      #expect(output.names == [])
    }

    @Test func cancelledBeforeItsTurn() async throws {
      let output = try TemporaryFolder()
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await ISOImage.write(dataTree([]), to: output["out.iso"])
      }
      await #expect(throws: CancellationError.self) { _ = try await task.value }
      #expect(output.names == [])
    }

    @Test func destinationIsNoFile() async throws {
      let scratch = try TemporaryFolder()
      #expect(mkfifo(scratch["pipe"].string, 0o600) == 0)
      for special in [scratch["pipe"], scratch.path, "/dev/null"] {
        await #expect(throws: ISOImage.Failure.target(special, .notAFile)) {
          _ = try await ISOImage.write(dataTree([]), to: special)
        }
      }
    }

    @Test func destinationFolderIsMissing() async throws {
      await #expect(throws: OperationFailure("create", "/nonexistent/out.iso", .noSuchFileOrDirectory)) {
        _ = try await ISOImage.write(dataTree([]), to: "/nonexistent/out.iso")
      }
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
    func destinationFolderIsNotWritable() async throws {
      let scratch = try TemporaryFolder()
      chmod(scratch.path.string, 0o555)
      defer { chmod(scratch.path.string, 0o755) }
      await #expect(throws: OperationFailure("create", scratch["out.iso"], .permissionDenied)) {
        _ = try await ISOImage.write(dataTree([]), to: scratch["out.iso"])
      }
    }

    @Test func applicationIsTooLong() async throws {
      let options = ISOImage.WriteOptions(application: String(repeating: "x", count: 129))
      let scratch = try TemporaryFolder()
      await #expect(throws: ISOImage.Failure.tree(.application(options.application))) {
        _ = try await ISOImage.write(dataTree([]), to: scratch["out.iso"], options: options)
      }
    }

    /// A failure leaves nothing in libisofs that the next image would suffer from, and no descriptor open.
    @Test func theNextImageIsRight() async throws {
      let scratch = try TemporaryFolder()
      let big = try scratch.sparse("big", .mebibytes(32))
      let late = try scratch.file("late", [1])
      let good = dataTree([.init("a", .bytes([1, 2, 3]))])
      let digest = try await ISOImage.digest(of: ISOImage.write(good, to: scratch["good.iso"]).path)
      for _ in 0..<5 {
        try Data([1]).write(to: URL(filePath: late.string))
        let bad = dataTree([.init("a", .file(big, .mebibytes(32))), .init("z", .file(late, ByteCount(1)))])
        _ = try? await ISOImage.write(bad, to: scratch["bad.iso"]) { event in
          if case .started = event { unlink(late.string) }
        }
        #expect(try await ISOImage.digest(of: ISOImage.write(good, to: scratch["good.iso"]).path) == digest)
      }
      #expect(!scratch.names.contains("bad.iso"))
      #expect(try openFiles(below: scratch.path).isEmpty)
    }

    /// What this process holds open of a folder. Other suites run beside this one, so counting all would prove nothing.
    private func openFiles(below folder: FilePath) throws -> [String] {
      let prefix = try #require(FileTree.resolved(folder)).string + "/"
      return try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }
        .filter { $0.hasPrefix(prefix) }
    }

    @Test func progressReachesTheEnd() async throws {
      let scratch = try TemporaryFolder()
      let big = try scratch.sparse("big", .mebibytes(64))
      let events = Mutex<[ProgressEvent]>([])
      let written = try await ISOImage.write(
        dataTree([.init("big", .file(big, .mebibytes(64)))]), to: scratch["out.iso"]
      ) { event in events.withLock { $0.append(event) } }
      let seen = events.withLock { $0 }
      guard case .started("write out.iso", written.size) = seen.first else { return #expect(Bool(false), "no start") }
      guard case .finished("write out.iso", written.size) = seen.last else { return #expect(Bool(false), "no end") }
      var last = ByteCount.zero
      for case .advanced(_, let done, let total) in seen {
        #expect(done > last && done <= written.size && total == written.size)
        last = done
      }
      #expect(last >= .mebibytes(48))
    }
  }
}
