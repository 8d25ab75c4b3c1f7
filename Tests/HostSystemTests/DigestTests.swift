// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct DigestTests {
  /// Around the size of the pieces in which files are read.
  @Test(arguments: [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000])
  func agreesWithSha256sum(size: Int) async throws {
    let folder = try TemporaryFolder()
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    let file = try folder.write("content", bytes)
    let judged = try #require(try await Tool.run("sha256sum", [file.string]).output.split(separator: " ").first)
    #expect(try Digest(ofFile: file).hex == judged)
    #expect(Digest(of: bytes).hex == judged)
    var hasher = Digest.Hasher()
    for start in stride(from: 0, to: size, by: 70_001) {
      hasher.update(Array(bytes[start..<min(start + 70_001, size)]))
    }
    #expect(hasher.finish().hex == judged)
  }

  @Test func readsItsOwnText() throws {
    let digest = Digest(of: "text")
    #expect(Digest(hex: digest.hex) == digest)
    #expect(Digest(hex: digest.hex.uppercased()) == digest)
    #expect(Digest(bytes: digest.bytes) == digest)
  }

  @Test(arguments: [
    "", "00", String(repeating: "0", count: 63), String(repeating: "0", count: 65), String(repeating: "g", count: 64),
    String(repeating: "é", count: 32),
  ])
  func refusesWhatIsNoDigest(text: String) {
    #expect(Digest(hex: text) == nil)
    #expect(throws: (any Error).self) { try JSONDecoder().decode([Digest].self, from: Data("[\"\(text)\"]".utf8)) }
  }

  @Test func refusesTheWrongNumberOfBytes() { #expect(Digest(bytes: [1, 2, 3]) == nil) }

  @Test func namesNoFileThatDoesNotExist() throws {
    let folder = try TemporaryFolder()
    #expect(throws: Errno.noSuchFileOrDirectory) { try Digest(ofFile: folder.appending("absent")) }
  }
}
