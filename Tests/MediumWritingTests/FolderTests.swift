// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumWriting

@Suite struct FolderTests {
  private func tree(_ folder: FilePath) throws -> BootTree {
    try BootTree(folder: folder, volumeIdentifier: "X", timestamp: 0)
  }

  @Test func takesFilesFoldersAndLinks() throws {
    let scratch = try TemporaryFolder()
    try scratch.file("d/f", [1, 2], permissions: 0o755)
    try scratch.file(".hidden", [])
    try FileManager.default.createSymbolicLink(atPath: scratch["link"].string, withDestinationPath: "/nowhere")
    try FileManager.default.createSymbolicLink(atPath: scratch["d/up"].string, withDestinationPath: "..")
    let entries = try tree(scratch.path).entries
    #expect(entries.map(\.path) == [".hidden", "d", "d/f", "d/up", "link"])
    #expect(entries.map(\.permissions) == [0o644, 0o755, 0o755, 0o777, 0o777])
    guard case .file(scratch["d/f"], ByteCount(2)) = entries[2].content else { return #expect(Bool(false)) }
    guard case .symbolicLink("/nowhere") = entries[4].content else { return #expect(Bool(false)) }
  }

  @Test func sortsByBytes() throws {
    let scratch = try TemporaryFolder()
    for name in ["b", "a", "B", "a-b", "a/x", "\u{e9}", "z"] where name != "a" { try scratch.file(name, []) }
    #expect(try tree(scratch.path).entries.map(\.path) == ["B", "a", "a-b", "a/x", "b", "z", "\u{e9}"])
  }

  @Test func refusesSpecialFiles() throws {
    let scratch = try TemporaryFolder()
    try scratch.file("d/f", [])
    #expect(mkfifo(scratch["d/pipe"].string, 0o600) == 0)
    #expect(throws: ISOImage.Failure.source(scratch["d/pipe"], path: "d/pipe", .notAFile)) {
      _ = try tree(scratch.path)
    }
  }

  @Test func refusesNamesThatAreNotUTF8() throws {
    let scratch = try TemporaryFolder()
    let descriptor = open(scratch.path.string + "/", O_DIRECTORY | O_RDONLY)
    defer { close(descriptor) }
    let file = [CChar(bitPattern: 0x61), CChar(bitPattern: 0xff), 0].withUnsafeBufferPointer {
      openat(descriptor, $0.baseAddress!, O_CREAT | O_WRONLY, 0o644)
    }
    #expect(file >= 0)
    close(file)
    #expect(throws: ISOImage.Failure.source(scratch.path, path: "a\u{fffd}", .notUTF8)) { _ = try tree(scratch.path) }
  }

  @Test func refusesWhatIsNoFolder() throws {
    let scratch = try TemporaryFolder()
    let file = try scratch.file("f", [])
    #expect(throws: ISOImage.Failure.source(file, path: "", .unreadable(.notDirectory))) { _ = try tree(file) }
    #expect(throws: ISOImage.Failure.source(scratch["none"], path: "", .unreadable(.noSuchFileOrDirectory))) {
      _ = try tree(scratch["none"])
    }
  }

  @Test func readsTheMBR() throws {
    let scratch = try TemporaryFolder()
    let good = try scratch.file("good", pattern(512))
    #expect(try BootTree.BIOSBoot(image: "x", mbrFile: good).hybridMBR == pattern(512))
    for size in [0, 511, 513] {
      let bad = try scratch.file("bad", pattern(size))
      #expect(throws: ISOImage.Failure.tree(.hybridMBR(size: size))) {
        _ = try BootTree.BIOSBoot(image: "x", mbrFile: bad)
      }
    }
    #expect(throws: ISOImage.Failure.source(scratch["none"], path: "", .unreadable(.noSuchFileOrDirectory))) {
      _ = try BootTree.BIOSBoot(image: "x", mbrFile: scratch["none"])
    }
  }
}
