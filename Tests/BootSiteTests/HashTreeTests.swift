// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootSite

/// The trees that layers are checked with where they stay on the server.
struct HashTreeTests {
  @Test func theProgramIsGivenEverything() {
    let digest = Digest(of: [1])
    let command = HashTree.command(layer: "/l", digest: digest, to: "/t")
    #expect(command.program == "veritysetup" && command.package == "cryptsetup-bin")
    #expect(
      command.arguments == [
        "format", "--no-superblock", "--hash=sha256", "--data-block-size=4096", "--hash-block-size=4096",
        "--salt=\(digest)", "/l", "/t",
      ])
  }

  /// veritysetup reads layer and tree by itself, and finds one changed bit of either.
  @Test(arguments: [1, 2, 300]) func verityJudges(blocks: Int) async throws {
    let folder = try TemporaryFolder()
    var bytes = (0..<blocks * 4096).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 12) }
    let layer = try folder.write("layer", bytes)
    let (file, again) = (folder.appending("tree"), folder.appending("again"))
    let digest = Digest(of: bytes)
    let tree = try await HashTree.write(of: layer, digest: digest, to: file)
    #expect(try await HashTree.write(of: layer, digest: digest, to: again).root == tree.root)
    #expect(try FileTree.bytes(of: file) == FileTree.bytes(of: again))

    func verify() async throws -> Bool {
      try await Tool.run(
        "veritysetup",
        [
          "verify", "--no-superblock", "--hash=sha256", "--data-block-size=4096", "--hash-block-size=4096",
          "--salt=\(digest)", "--data-blocks=\(blocks)", layer.string, file.string, "\(tree.root)",
        ], package: "cryptsetup-bin"
      ).status == 0
    }
    // One block has no tree, and veritysetup wants one.
    guard blocks > 1 else {
      #expect(try FileTree.bytes(of: file).isEmpty && tree.root == Digest(of: digest.bytes + bytes))
      #expect(try HashTree(at: layer, digest: digest).root == tree.root)
      return
    }
    #expect(try await verify())
    #expect(try HashTree(at: file, digest: digest).root == tree.root)
    bytes[bytes.count / 2] ^= 1
    try folder.write("layer", bytes)
    #expect(try await !verify())
    bytes[bytes.count / 2] ^= 1
    try folder.write("layer", bytes)
    var sums = try FileTree.bytes(of: file)
    sums[3] ^= 1
    try folder.write("tree", sums)
    #expect(try await !verify())
  }
}
