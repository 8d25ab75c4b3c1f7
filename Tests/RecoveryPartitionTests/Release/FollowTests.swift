// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// A partition that follows a server, with real media.
@Suite(.enabled(if: Tool.isInstalled("curl"), "needs curl")) struct FollowTests {
  func publish(_ medium: FilePath, on server: RangeServer) async throws {
    for name in FileTree.names(in: server.folder) where name.hasSuffix(".iso") {
      FileTree.remove(server.folder.appending(name))
    }
    let name = try #require(medium.lastComponent).string.replacing("+", with: "-")
    let copy = server.folder.appending(name)
    try await ExternalCommand("cp", [medium.string, copy.string]).run()
    let release = try await Release.publish(copy, in: server.folder, key: try await SmallMedia.shared.key())
    #expect(try Release(decoding: FileTree.bytes(of: server.folder.appending(Release.name))) == release)
    #expect(release.size.bytes == FileTree.status(of: copy)?.size)
  }

  func install(_ medium: FilePath) async throws -> DiskImage {
    let key = FilePath(try await SmallMedia.shared.key().string + ".pub")
    let disk = try await DiskImage("label: gpt\n")
    try await disk.install(medium, .init(size: .mebibytes(300), key: try FileTree.bytes(of: key)))
    return disk
  }

  @Test func aNewerReleaseIsTakenOnce() async throws {
    let old = try await SmallMedia.shared.iso()
    let new = try await SmallMedia.shared.iso(tools: "more", number: 2)
    let disk = try await install(old)
    try await RangeServer.with { server in
      try await publish(new, on: server)
      let remote = try ReleaseServer(server.address)
      try await TemporaryFolder.with { cache in
        let first = try await disk.installer().follow(remote, in: cache, allowing: .init())
        guard case .updated(let release, let download, let update) = first else {
          Issue.record("\(first)")
          return
        }
        #expect(update.identifier == release.identifier && update.isNew && update.previous != nil)
        // The base layer, the kernel and the initrd came from the partition, or were too small to ask for.
        #expect(download.fetched + download.reused == release.size)
        #expect(FileTree.names(in: cache).isEmpty)
        server.forget()
        guard case .current = try await disk.installer().follow(remote, in: cache, allowing: .init()) else {
          Issue.record("nothing is newer")
          return
        }
        #expect(server.requests.allSatisfy { $0.contains("release.json") })
      }
    }
  }

  @Test func anotherImageAndForeignKeysAreRefused() async throws {
    let disk = try await install(try await SmallMedia.shared.iso())
    let before = try await disk.installer().status().state
    try await RangeServer.with { server in
      let remote = try ReleaseServer(server.address)
      try await TemporaryFolder.with { cache in
        try await publish(try await SmallMedia.shared.iso("tier2"), on: server)
        await #expect(throws: RecoveryPartitionFailure.otherImage(installed: "tier1", new: "tier2")) {
          _ = try await disk.installer().follow(remote, in: cache, allowing: .init())
        }
        // A release by the right key of a medium by another one.
        try await publish(try await SmallMedia.shared.iso(number: 3, signedBy: .other), on: server)
        await #expect {
          _ = try await disk.installer().follow(remote, in: cache, allowing: .init())
        } throws: {
          ($0 as? any Diagnosable)?.kind == .notAsPromised || ($0 as? any Diagnosable)?.kind == .badInput
        }
      }
    }
    #expect(try await disk.installer().status().state == before)
  }

  /// The server was put back to an older state, by somebody or by an attacker with old files.
  @Test func anOlderReleaseIsRefused() async throws {
    let new = try await SmallMedia.shared.iso(tools: "more", number: 2)
    let disk = try await install(new)
    let before = try await disk.installer().status().state
    try await RangeServer.with { server in
      try await publish(try await SmallMedia.shared.iso(), on: server)
      let remote = try ReleaseServer(server.address)
      try await TemporaryFolder.with { cache in
        await #expect(throws: RecoveryPartitionFailure.older(image: "tier1")) {
          _ = try await disk.installer().follow(remote, in: cache, allowing: .init())
        }
        #expect(try await disk.installer().status().state == before)
        #expect(server.requests.allSatisfy { $0.contains("release.json") }, "nothing of it was fetched")
        let outcome = try await disk.installer().follow(remote, in: cache, allowing: .init(downgrade: true))
        guard case .updated(_, _, let update) = outcome else {
          Issue.record("\(outcome)")
          return
        }
        #expect(update.previous == before.current)
      }
    }
  }

  @Test func withoutAKeyNothingIsFollowed() async throws {
    let disk = try await DiskImage("label: gpt\n")
    try await disk.install(try await SmallMedia.shared.iso())
    await #expect(throws: ReleaseFailure.noKey) {
      _ = try await disk.installer().follow(
        try ReleaseServer("http://127.0.0.1:9/x"), in: "/nonexistent", allowing: .init())
    }
  }
}
