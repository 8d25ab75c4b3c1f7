// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootAssembly

@Suite(.serialized) struct EFISystemPartitionTests {
  private func withImage(_ body: @Sendable (FilePath, Workshop) async throws -> Void) async throws {
    try await requirePackages()
    try await Workshop.open { workshop in
      let medium = try await workshop.builder().build([workshop.system(.x64)])
      try await body(try #require(medium.tree.efiSystemPartition), workshop)
    }
  }

  @Test func mtoolsFindsTheFiles() async throws {
    try await withImage { image, workshop in
      let listing = try await ExternalCommand("mdir", ["-/", "-b", "-i", image.string, "::/"]).text()
      let files = listing.split(separator: "\n").filter { !$0.hasSuffix("/") }.map { $0.dropFirst(3) }
      #expect(
        Set(files) == [
          "EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi", "EFI/BOOT/mmx64.efi", "EFI/BOOT/BOOTIA32.EFI",
          "EFI/BOOT/grubia32.efi", "EFI/BOOT/mmia32.efi", "EFI/BOOT/lifeboat", "boot/grub/grub.cfg",
        ])
      let pairs = try EFISystemPartition.loaders(workshop.loaders)
      for pair in pairs {
        let copied = try await ExternalCommand("mtype", ["-i", image.string, "::/" + pair.path]).output()
        #expect(try Digest(of: copied) == Digest(ofFile: pair.source))
      }
      let stub = try await ExternalCommand("mtype", ["-i", image.string, "::/boot/grub/grub.cfg"]).text()
      #expect(stub.contains("search --no-floppy --file --set=root /lifeboat/\(Workshop.identifier)/medium\n"))
    }
  }

  @Test func theFileSystemIsSound() async throws {
    try await withImage { image, _ in
      try await ExternalCommand("fsck.vfat", ["-n", image.string]).run()
      let facts = try await ExternalCommand(
        "blkid", ["-p", "-o", "export", image.string]
      ).text()
      #expect(facts.contains("VERSION=FAT16"))
      #expect(facts.contains("UUID=0123-4567"))
    }
  }

  /// shim's signer is Microsoft, GRUB's is Debian: what Secure Boot asks for.
  @Test(.enabled(if: HostEnvironment.has("sbverify"), "sbsigntool is not installed"))
  func theLoadersAreSigned() async throws {
    try await withImage { image, workshop in
      for (path, signer) in [
        ("BOOTX64.EFI", "Microsoft"), ("BOOTIA32.EFI", "Microsoft"), ("grubx64.efi", "Debian"),
        ("grubia32.efi", "Debian"), ("mmx64.efi", "Debian"), ("mmia32.efi", "Debian"),
      ] {
        let copy = workshop.folder.appending(path)
        try await ExternalCommand("mcopy", ["-i", image.string, "::/EFI/BOOT/" + path, copy.string]).run()
        let signatures = try await ExternalCommand("sbverify", ["--list", copy.string]).text()
        #expect(signatures.contains("signature 1"))
        #expect(signatures.contains(signer), "\(path)")
      }
    }
  }

  @Test func theSizeFitsTheContent() {
    let mebibyte: Int64 = 1 << 20
    let small = EFISystemPartition.size(holding: [])
    #expect(small.bytes % mebibyte == 0)
    // FAT16 begins at 4,085 clusters of 2 KiB.
    #expect(small.bytes > 4085 * 2048)
    for content in [11, 20, 60] as [Int64] {
      let size = EFISystemPartition.size(holding: [ByteCount(content * mebibyte)])
      #expect(size.bytes >= (content + 1) * mebibyte)
      #expect(size.bytes <= content * mebibyte * 12 / 10 + 2 * mebibyte)
    }
  }
}
