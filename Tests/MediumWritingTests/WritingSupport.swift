// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumWriting

/// All suites that write ISOs, one test at a time.
@Suite(.serialized) enum ISOWriting {}

extension TemporaryFolder {
  subscript(name: String) -> FilePath { path.appending(name) }

  /// Makes a file, and the folders above it.
  @discardableResult func file(_ name: String, _ content: [UInt8], permissions: UInt16 = 0o644) throws -> FilePath {
    let file = try write(name, content)
    try FileTree.setPermissions(file, permissions)
    return file
  }

  /// Makes a file that has a size but no blocks.
  func sparse(_ name: String, _ size: ByteCount) throws -> FilePath {
    let file = try file(name, [])
    guard truncate(file.string, off_t(size.bytes)) == 0 else { throw Errno(rawValue: errno) }
    return file
  }
}

/// Bytes that differ from place to place and from seed to seed.
func pattern(_ count: Int, seed: UInt32 = 1) -> [UInt8] {
  var state = seed &* 2_654_435_761 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 17
    state ^= state << 5
    return UInt8(truncatingIfNeeded: state)
  }
}

func bytes(of file: FilePath) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: file.string))) }

/// The folder of this package's built programs.
let programs: FilePath = {
  let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
  return FilePath(path).removingLastComponent()
}()

/// GRUB's hybrid MBR, from the package grub-pc-bin.
let hybridMBR: FilePath = "/usr/lib/grub/i386-pc/boot_hybrid.img"

let timestamp: Int64 = 1_767_323_045  // 2026-01-02 03:04:05 GMT

/// A tree with everything that a bootable medium has, made without any boot loader but GRUB's MBR.
func bootableTree(in scratch: TemporaryFolder, _ more: [BootTree.Entry] = []) throws -> BootTree {
  let partition = try scratch.file("efi.img", pattern(1 << 20, seed: 7))
  let entries: [BootTree.Entry] = [
    .init(".disk/info", .bytes(Array("Lifeboat\n".utf8))),
    .init("boot/eltorito.img", .bytes(pattern(40_000, seed: 3))),
  ]
  return BootTree(
    volumeIdentifier: "LIFEBOAT_TEST", timestamp: timestamp, entries: entries + more,
    biosBoot: try .init(image: "boot/eltorito.img", mbrFile: hybridMBR), efiSystemPartition: partition)
}

/// A plain data tree.
func dataTree(_ entries: [BootTree.Entry]) -> BootTree {
  BootTree(volumeIdentifier: "DATA", timestamp: timestamp, entries: entries)
}

/// Unpacks an image with a foreign program.
func extract(_ image: FilePath, to folder: FilePath) async throws {
  let command = ExternalCommand(
    "osirrox", ["-indev", image.string, "-extract", "/", folder.string], package: "xorriso")
  _ = try await command.output()
}
