// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootSite

/// Sets come, go and come back.
@Suite(.serialized) struct SetTests {
  private let fixture: SiteFixture
  private var site: Site { fixture.site }
  init() throws { fixture = try SiteFixture() }

  @Test func theLastSetsStay() async throws {
    var indices: [SetIndex] = []
    for number in 1...5 {
      let iso = try await SmallMedia.shared.iso(tools: "tools\(number)", number: number)
      let done = try await fixture.publish(iso, keep: 3)
      #expect(done.number == number && done.removedSets == (number > 3 ? [number - 3] : []))
      indices.append(done.index)
    }
    #expect(site.numbers == [3, 4, 5] && site.currentNumber == 5)
    let needed = Set(indices[2...].flatMap { $0.objects.map(\.digest.hex) })
    let there = FileTree.walk(site.folder.appending("objects")).filter { $0.count == 67 }.map { String($0.suffix(64)) }
    #expect(Set(there) == needed)
    #expect(FileTree.names(in: site.folder) == ["current", "lock", "objects", "sets", "site-key.pub"])
  }

  @Test func backAndForth() async throws {
    for number in 1...3 {
      try await fixture.publish(SmallMedia.shared.iso(tools: "tools\(number)", number: number))
    }
    #expect(try await site.rollBack().index.number == 2)
    #expect(try await site.rollBack().index.number == 1)
    #expect(site.currentNumber == 1 && site.numbers == [1, 2, 3])
    await #expect { _ = try await site.rollBack() } throws: { ($0 as? Site.Failure)?.code == "no-older-set" }
    // A number is never used twice; and the set that is current stays, however old.
    let key = try await SmallMedia.shared.key()
    let next = try await site.publish(
      [SmallMedia.shared.iso("tier2")], as: .key(key), servers: SiteFixture.servers, keep: 1)
    #expect(next.number == 4 && next.index.images.map(\.name) == ["tier1", "tier2"])
    #expect(site.numbers == [4])
  }

  @Test func whatIsDamagedDoesNotComeBack() async throws {
    let first = try await fixture.publish(SmallMedia.shared.iso(tools: "tools1", number: 1)).index
    try await fixture.publish(SmallMedia.shared.iso(tools: "tools2", number: 2))
    let path = try fixture.file("boot/tier1.iso", in: first)
    _ = try flipped(path, at: 100_000, to: path)
    await #expect { _ = try await site.rollBack() } throws: { ($0 as? Site.Failure)?.code == "object-damaged" }
    #expect(site.currentNumber == 2)
  }

  @Test func anImageIsRetired() async throws {
    try await fixture.publish(SmallMedia.shared.iso(), SmallMedia.shared.iso("tier2", tools: "more"))
    let key = try await SmallMedia.shared.key()
    let done = try await site.retire("tier1", as: .key(key))
    #expect(done.number == 2 && done.index.images.map(\.name) == ["tier2"])
    #expect(!done.index.objects.contains { $0.name.hasPrefix("boot/tier1") })
    #expect(done.index.objects.filter { $0.name.hasPrefix("layers/") }.count == 4)
    for (image, code) in [("tier2", "last-image"), ("tier1", "no-such-image")] {
      await #expect { _ = try await site.retire(image, as: .key(key)) } throws: { ($0 as? Site.Failure)?.code == code }
    }
    #expect(try await site.rollBack().index.images.map(\.name) == ["tier1", "tier2"])
  }

  @Test func anEmptyFolderHasNothing() async throws {
    for body in [
      { _ = try await site.current() }, { _ = try await site.rollBack() },
      { _ = try await site.retire("tier1", as: .unsigned) },
    ] {
      await #expect { try await body() } throws: { ($0 as? Site.Failure)?.code == "nothing-published" }
    }
  }

  /// What a publisher that was killed has left behind is gone after the next one.
  @Test func leftovers() async throws {
    let iso = try await SmallMedia.shared.iso()
    try fixture.scratch.write("site/work/set/index.json", "{}")
    try fixture.scratch.write("site/objects/ab/.abcd.x1.new", "half")
    try fixture.scratch.write("site/objects/ab/" + Digest(of: "orphan").hex, "orphan")
    try fixture.scratch.write("site/.current.new", "")
    try await fixture.publish(iso)
    #expect(FileTree.kind(of: site.folder.appending("work")) == nil)
    #expect(FileTree.kind(of: site.folder.appending(".current.new")) == nil)
    #expect(FileTree.kind(of: site.folder.appending("objects/ab/.abcd.x1.new")) == nil)
    #expect(!FileTree.walk(site.folder.appending("objects")).contains { $0.hasSuffix(Digest(of: "orphan").hex) })
  }
}
