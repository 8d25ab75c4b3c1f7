// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import RecoveryPlan
import SystemPackage
import TestSupport
import Testing

@testable import SystemLayers

struct StepCacheTests {
  private let folder: TemporaryFolder
  private let cache: StepCache

  init() throws {
    folder = try TemporaryFolder()
    cache = try StepCache(folder.appending("cache"))
  }

  private func step(_ input: String = "1") -> Step {
    Step(kind: .tools, name: "x64 tier1", architecture: .x64, inputs: ["input": input])
  }

  private func make(_ step: Step, _ content: String = "content") throws -> StepCache.Stored {
    let place = try cache.begin(step)
    try AtomicFile.write(Array(content.utf8), to: place.appending("layer.squashfs"))
    try FileTree.makeFolder(place.appending("amd64/usr"))
    try AtomicFile.write([1, 2, 3], to: place.appending("amd64/usr/file"))
    return try cache.commit(step, from: place, outputs: ["layer.squashfs", "amd64"])
  }

  @Test func aResultIsFoundAgain() throws {
    let stored = try make(step())
    let again = try StepCache(cache.folder)
    #expect(again.find(step().key) == stored)
    #expect(stored.outputs["layer.squashfs"]?.sha256 == Digest(of: "content"))
    #expect(stored.outputs["amd64"]?.size == ByteCount(3))
    #expect(again.find(step("2").key) == nil)
    #expect(FileTree.names(in: cache.folder.appending("work")).isEmpty)
  }

  @Test(arguments: ["layer.squashfs", "amd64/usr/file", "step.json"])
  func aDamagedResultIsRemoved(file: String) throws {
    _ = try make(step())
    let path = cache.path(step().key).appending(file)
    var bytes = try FileTree.bytes(of: path)
    bytes[bytes.count / 2] ^= 1
    try AtomicFile.write(bytes, to: path)
    let again = try StepCache(cache.folder)
    var told: [String] = []
    #expect(again.find(step().key) { told.append($0) } == nil)
    #expect(told.count == 1)
    #expect(FileTree.kind(of: cache.path(step().key)) == nil)
  }

  @Test func aMissingResultIsNoResult() throws {
    _ = try make(step())
    FileTree.remove(cache.path(step().key, "layer.squashfs"))
    #expect(try StepCache(cache.folder).find(step().key) == nil)
  }

  @Test func aStepWithoutItsResultIsNotCommitted() throws {
    let place = try cache.begin(step())
    #expect(throws: SystemLayersFailure.incomplete(step: "tools x64 tier1", file: "layer.squashfs")) {
      try cache.commit(step(), from: place, outputs: ["layer.squashfs"])
    }
    #expect(cache.peek(step().key) == nil)
  }

  @Test func whatAKilledBuildLeftIsSweptAway() async throws {
    let place = try cache.begin(step())
    try AtomicFile.write([1], to: place.appending("half"))
    await cache.sweep(asRoot: true)
    #expect(FileTree.names(in: cache.folder.appending("work")).isEmpty)
  }

  @Test func pruningKeepsTheNewestOfEachTitle() throws {
    _ = try make(step("old"))
    _ = try make(step("new"))
    let old = cache.path(step("old").key, "step.json")
    try AtomicFile.write(FileTree.bytes(of: old), to: old)
    // The new one was used last.
    FileTree.touch(cache.path(step("new").key, "step.json"))
    let entries = cache.entries()
    #expect(entries.map(\.newest).filter(\.self).count == 1)
    let kept = try #require(entries.first { $0.newest })
    let removed = cache.prune(everything: false)
    #expect(removed.count == 1 && removed[0].key != kept.key)
    #expect(cache.peek(kept.key) != nil)
    #expect(cache.prune(everything: true).map(\.key) == [kept.key])
    #expect(cache.entries().isEmpty)
  }

  @Test func twoBuildsDoNotShareACache() throws {
    let lock = try cache.lock()
    #expect(throws: FileLock.Busy.self) { try cache.lock() }
    withExtendedLifetime(lock) {}
  }
}
