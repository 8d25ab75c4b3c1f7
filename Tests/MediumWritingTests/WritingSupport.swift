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
