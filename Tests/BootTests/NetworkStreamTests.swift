// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// The second stage where it waits for approval, and where layers stay on the server. QEMU starts kernel and initrd itself.
@Suite(
  .serialized, .enabled(if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1", "set LIFEBOAT_BOOT_TESTS=1 to boot"),
  .enabled(if: NetworkLab.isPossible, "needs root, iproute2, busybox and python3"))
struct NetworkStreamTests {
  private func withSite(
    otherNetwork: Bool = false, _ body: (Site, SetIndex, NetworkLab) async throws -> Void
  ) async throws {
    let medium = try await DemoMedium.shared.path()
    try await TemporaryFolder.with { folder in
      let site = Site(at: folder.appending("site"))
      let done = try await site.publish([medium], as: .unsigned, servers: NetworkLab.servers)
      try await body(site, done.index, NetworkLab(folder, knowsRanges: true, hasOtherNetwork: otherNetwork))
    }
  }

  /// A computer that starts one of the systems with more words on the kernel's command line.
  private func machine(
    _ site: Site, _ index: SetIndex, _ words: String = "", memory: Int64 = 768, cpu32: Bool = false
  ) throws -> TrialMachine {
    let medium = try #require(index.images.first?.media[cpu32 ? "x86" : "x64"])
    let files = try [medium.kernel, medium.initrd, "boot/tier1.iso"].map { name in
      site.path(of: try #require(index.objects.first { $0.name == name })).string
    }
    var machine = TrialMachine(medium: FilePath(files[2]), memory: .mebibytes(memory), hasCPU32Bit: cpu32)
    let line = medium.arguments.joined(separator: " ") + " console=tty0 console=ttyS0 \(words)"
    machine.extraArguments = NetworkLab.inventory + ["-kernel", files[0], "-initrd", files[1], "-append", line]
    return machine
  }

  private static let end: @Sendable (String) -> Bool = {
    $0.contains(ReadyLine.mark) || $0.contains("LIFEBOAT-NETWORK FAILED")
  }

  @Test func waitsUntilItIsApproved() async throws {
    try await withSite(otherNetwork: true) { site, index, lab in
      try lab.serve(site, index)
      lab.admit("wait 4711")
      let lines = try await lab.start(machine(site, index), limit: .seconds(600)) {
        if $0.contains("LIFEBOAT-NETWORK waiting 4711") { lab.admit("go") }
        return Self.end($0)
      }
      let text = lines.joined(separator: "\n")
      #expect(text.contains("This computer waits for approval. Tell the help desk the number 4711."))
      #expect(text.contains("LIFEBOAT-NETWORK approved"))
      #expect(try ReadyLine(try #require(lines.last)).medium == "network")
      // The adapter before it has a link, and nobody who answers.
      #expect(lines.count { $0.contains("Asking for an address on") } == 2, "\(text)")
    }
  }

  @Test func deniedIsTheEnd() async throws {
    try await withSite { site, index, lab in
      try lab.serve(site, index)
      lab.admit("wait 4711")
      let lines = try await lab.start(machine(site, index), limit: .seconds(600)) {
        if $0.contains("LIFEBOAT-NETWORK waiting 4711") { lab.admit("denied") }
        return $0.contains(ReadyLine.mark) || $0.contains("restarts in")
      }
      let text = lines.joined(separator: "\n")
      #expect(text.contains("LIFEBOAT-NETWORK FAILED denied") && text.contains("did not approve"))
      #expect(!text.contains("10-base.squashfs") && !text.contains(ReadyLine.mark))
    }
  }

  /// While the server is away what is read waits; every block of every layer arrives in the end, compared by dm-verity
  /// on the way and as a whole by the image's own check.
  @Test(arguments: [false, true]) func streams(cpu32: Bool) async throws {
    try await withSite { site, index, lab in
      try lab.serve(site, index)
      let computer = try machine(site, index, "lifeboat.stream lifeboat.verify", cpu32: cpu32)
      let lines = try await lab.start(computer, limit: .seconds(900)) {
        if $0.contains("LIFEBOAT-NETWORK ok streamed") { lab.pause() }
        return Self.end($0)
      }
      let text = lines.joined(separator: "\n")
      let ready = try ReadyLine(try #require(lines.last))
      #expect(ready.medium == "network-streamed")
      let medium = try #require(index.images.first?.media[cpu32 ? "x86" : "x64"])
      #expect(Set(ready.layers.values.map { "layers/\($0).squashfs" }) == Set(medium.layers))
      #expect(text.contains("LIFEBOAT-VERIFIED ok"))
      #expect(text.contains("no boot server answers") && text.contains("a boot server answers again"), "\(text)")
      // The network that the system comes through stays up.
      #expect(lines.first == NetworkLab.reachable)
    }
  }

  /// A layer's last block holds tables that are read when it is mounted.
  @Test func aWrongByteStopsIt() async throws {
    try await withSite { site, index, lab in
      let layer = try #require(index.images.first?.media["x64"]?.layers[1])
      try lab.serve(site, index) { object in
        guard object.name == layer else { return nil }
        var bytes = try FileTree.bytes(of: site.path(of: object))
        let used = bytes[40..<48].reversed().reduce(0) { $0 << 8 | Int($1) }
        bytes[used - 1] ^= 1
        return bytes
      }
      let lines = try await lab.start(machine(site, index, "lifeboat.stream"), limit: .seconds(600)) {
        $0.contains(ReadyLine.mark) || $0.contains("restarts in")
      }
      let text = lines.joined(separator: "\n")
      #expect(text.contains("LIFEBOAT-NETWORK FAILED wrong 20-tools.squashfs"), "\(text)")
      #expect(text.contains("What the boot server sent as 20-tools.squashfs is not what was published."))
      #expect(!text.contains(ReadyLine.mark))
    }
  }

  /// A block in the middle of a layer is first read when something needs it: that fails, and the console says why. The
  /// image's own check, which reads all of them, gets no such block as data.
  @Test func aWrongBlockIsNeverServed() async throws {
    try await withSite { site, index, lab in
      let layer = try #require(index.images.first?.media["x64"]?.layers[1])
      try lab.serve(site, index) { object in
        guard object.name == layer else { return nil }
        var bytes = try FileTree.bytes(of: site.path(of: object))
        bytes[bytes.count / 2] ^= 1
        return bytes
      }
      let computer = try machine(site, index, "lifeboat.stream lifeboat.verify")
      let lines = try await lab.start(computer, limit: .seconds(900), until: Self.end)
      let text = lines.joined(separator: "\n")
      #expect(text.contains("LIFEBOAT-NETWORK ok streamed"))
      #expect(text.contains("what a boot server sent of 20-tools.squashfs is not what was published; it was not used"))
      #expect(text.contains("LIFEBOAT-VERIFIED") && !text.contains("LIFEBOAT-VERIFIED ok"), "\(text)")
    }
  }

  @Test func tooLittleMemoryIsSaidBeforeAnythingIsFetched() async throws {
    try await withSite { site, index, lab in
      var lab = lab
      lab.knowsRanges = false
      try lab.serve(site, index)
      let lines = try await lab.start(machine(site, index, "lifeboat.stream=no", memory: 400), limit: .seconds(600)) {
        $0.contains(ReadyLine.mark) || $0.contains("MiB are free")
      }
      #expect(lines.contains { $0.contains("LIFEBOAT-NETWORK FAILED memory") })
      #expect(lines.last?.contains("MiB are needed") == true)
      #expect(!lab.requests.contains("GET"))
    }
  }

  /// Python's server knows no ranges.
  @Test func aServerWithoutRangesIsNoPlaceForLayers() async throws {
    try await withSite { site, index, lab in
      var lab = lab
      lab.knowsRanges = false
      try lab.serve(site, index)
      let lines = try await lab.start(machine(site, index, "lifeboat.stream"), limit: .seconds(600), until: Self.end)
      #expect(lines.last?.contains("LIFEBOAT-NETWORK FAILED ranges") == true, "\(lines)")
    }
  }
}
