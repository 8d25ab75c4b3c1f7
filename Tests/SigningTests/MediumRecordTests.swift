// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Testing

@testable import Signing

struct MediumRecordTests {
  private let record = MediumRecord(
    lifeboat: "1.0.0", identifier: "0123456789abcdef", image: "tier1", title: "Say \"hi\"/Zürich", release: "bookworm",
    timestamp: 1_790_000_000, expires: nil,
    variants: [.init(architecture: "x64", kernel: "k", initrd: "i", layers: ["a", "b"])],
    files: [.init(path: "a/b", size: ByteCount(3), sha256: Digest(of: "abc"))],
    bootImages: [BootImage(path: "boot.img", patched: Array(repeating: 7, count: 4096))], efiSystemPartition: nil,
    bootCode: Digest(of: "boot"))

  private typealias BootImage = MediumRecord.BootImage

  @Test func theBytesAreAlwaysTheSame() throws {
    let bytes = try record.encoded()
    #expect(try MediumRecord(decoding: bytes) == record)
    #expect(try MediumRecord(decoding: bytes).encoded() == bytes)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.hasPrefix("{\n  \"bootCode\" : \"\(Digest(of: "boot"))\",\n  \"bootImages\" : ["))
    #expect(text.contains("\"path\" : \"a/b\""))
    #expect(text.hasSuffix("}\n"))
    #expect(!text.contains("expires"))
  }

  @Test func newerFormatsAreRefusedWhateverElseTheyHold() {
    #expect(throws: SigningFailure.recordTooNew(format: 2, known: 1)) {
      try MediumRecord(decoding: Array(#"{"format": 2, "files": "somewhere else"}"#.utf8))
    }
  }

  @Test(arguments: [
    ("", "it is not JSON"), ("[]", "has the wrong type"), ("{}", "format is missing"),
    (#"{"format": 0}"#, "its format is 0"), (#"{"format": "1"}"#, "format has the wrong type"),
    (#"{"format": 1}"#, "is missing"),
  ])
  func damagedRecordsAreExplained(_ text: String, _ reason: String) {
    let failure = #expect(throws: SigningFailure.self) { try MediumRecord(decoding: Array(text.utf8)) }
    guard case .recordUnreadable(let said) = failure else { return #expect(Bool(false), "\(failure as Any)") }
    #expect(said.contains(reason))
    #expect(failure?.kind == .badInput)
  }

  @Test func aWrongDigestIsNamedByItsPlace() throws {
    let text = String(decoding: try record.encoded(), as: UTF8.self).replacing(Digest(of: "abc").hex, with: "xyz")
    #expect(throws: SigningFailure.recordUnreadable(reason: "files[0].sha256: not 64 hexadecimal digits")) {
      try MediumRecord(decoding: Array(text.utf8))
    }
  }

  @Test func maskedRangesReadAsZero() {
    #expect(BootImage.mask([1, 2, 3, 4, 5], [[1, 2]]) == [1, 0, 0, 4, 5])
    #expect(BootImage.mask([1, 2, 3], [[2, .max], [7, 1], [-1, 2], [0, -4], [1], [.min, .max]]) == [1, 2, 0])
    var patched = [UInt8](repeating: 7, count: 4096)
    for index in Array(8..<64) + Array(2548..<2556) { patched[index] = 9 }
    #expect(BootImage(path: "boot.img", patched: patched) == record.bootImages[0])
    patched[64] = 9
    #expect(BootImage(path: "boot.img", patched: patched) != record.bootImages[0])
  }
}
