// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import Testing

@testable import MediumWriting

@Suite struct WriteFailureTests {
  static let all: [ISOImage.Failure] = [
    .entry(path: "a\nb", .notAPath), .entry(path: "x", .nulCharacter), .entry(path: "x", .nameTooLong(bytes: 300)),
    .entry(path: "x", .duplicate), .entry(path: "x", .notAFolder), .entry(path: "x", .reserved),
    .entry(path: "x", .badLinkTarget), .entry(path: "x", .badPermissions), .entry(path: "x", .badBootImage),
    .tree(.volumeIdentifier("x")), .tree(.timestamp(-1)), .tree(.application("")), .tree(.hybridMBR(size: 3)),
    .tree(.bootImageMissing("x")), .source("/s", path: "x", .unreadable(.noSuchFileOrDirectory)),
    .source("/s", path: "x", .notAFile), .source("/s", path: "x", .size(expected: .zero, actual: .mebibytes(1))),
    .source("/s", path: "x", .changed), .source("/s", path: "x", .notUTF8), .source("/s", path: "", .notAPartition),
    .target("/t", .notAFile), .target("/t", .diskFull(needed: .mebibytes(2), available: .mebibytes(1))),
    .target("/t", .diskFull(needed: .mebibytes(2), available: nil)), .target("/t", .tooLarge(needed: .mebibytes(2))),
    .library("x"),
  ]

  @Test(arguments: all)
  func saysWhatWhereAndWhatToDo(failure: ISOImage.Failure) throws {
    #expect(!failure.message.contains("\n"))
    let remedy = try #require(failure.remedy)
    #expect(remedy.first?.isUppercase == true)
    #expect(failure.code.allSatisfy { $0.isLowercase || $0 == "-" })
  }

  @Test func namesBothSizesOfAFullDisk() {
    let failure = ISOImage.Failure.target(
      "/t.iso", .diskFull(needed: ByteCount(3_000_000), available: ByteCount(12_345)))
    #expect(failure.message == "/t.iso needs 3.0 MB (3,000,000 bytes), but its file system has only 12.3 kB left")
    #expect(failure.kind == .cannotCreate)
  }
}
