// SPDX-License-Identifier: GPL-3.0-or-later
import FoundationEssentials
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootAssembly

/// What is wrong is found before anything is made, and named.
struct BadInputTests {
  /// A workshop whose loaders are not there.
  private func withWorkshop(_ body: @Sendable (Workshop) async throws -> Void) async throws {
    try await TemporaryFolder.with { folder in
      let loaders = LoaderFiles(amd64: folder.appending("amd64"), i386: folder.appending("i386"))
      try await body(Workshop(folder: folder, loaders: loaders))
    }
  }

  @Test(arguments: ["", "0123456789ABCDEF", "0123456789abcde", "0123456789abcdef0", "../../../../etc/x"])
  func identifiers(_ identifier: String) async throws {
    try await withWorkshop { workshop in
      let builder = try workshop.builder { $0.identifier = identifier }
      await #expect(throws: BootAssemblyFailure.badIdentifier(identifier)) {
        try await builder.build([workshop.system(.x64)])
      }
    }
  }

  @Test func systems() async throws {
    try await withWorkshop { workshop in
      let builder = try workshop.builder()
      let bad: [[SystemFiles]] = [
        [], [try workshop.system(.x64), try workshop.system(.x64)], [try workshop.system(.x64, layers: [])],
        [try workshop.system(.x64, layers: ["10-a.squashfs", "10-a.squashfs"])],
      ]
      for systems in bad {
        let failure = await #expect(throws: BootAssemblyFailure.self) { try await builder.build(systems) }
        #expect(failure?.code == "bad-systems")
      }
    }
  }

  @Test(arguments: ["base.squashfs", "10-ba se.squashfs", "10-../x.squashfs", "10-a\n.squashfs", "10-base.img", ""])
  func layerNames(_ name: String) async throws {
    try await withWorkshop { workshop in
      let file = try workshop.system(.x64)
      let system = SystemFiles(
        architecture: .x64, kernel: file.kernel, initrd: file.initrd, layers: [file.layers[0], (name, file.kernel)])
      await #expect(throws: BootAssemblyFailure.badLayerName(name)) {
        try await workshop.builder().build([system])
      }
    }
  }

  @Test(arguments: ["secret", "grub.pbkdf2.sha512.1.AA", "grub.pbkdf2.sha512.1.AA.BB\nset superusers="])
  func menuPasswords(_ password: String) async throws {
    try await withWorkshop { workshop in
      let builder = try workshop.builder { $0.image.menuPassword = password }
      let failure = await #expect(throws: BootAssemblyFailure.self) {
        try await builder.build([workshop.system(.x64)])
      }
      #expect(failure == .badMenuPassword)
      #expect(failure?.kind == .badInput)
    }
  }

  @Test func missingLoadersNameTheirPackage() async throws {
    try await withWorkshop { workshop in
      let failure = await #expect(throws: BootAssemblyFailure.self) {
        try await workshop.builder().build([workshop.system(.x64)])
      }
      let file = workshop.loaders.amd64.appending("usr/lib/grub/i386-pc/boot_hybrid.img")
      #expect(failure == .loaderMissing(file: file, package: "grub-pc-bin"))
      #expect(failure?.kind == .unavailable)
      let signed = #expect(throws: BootAssemblyFailure.self) { try EFISystemPartition.loaders(workshop.loaders) }
      guard case .loaderMissing(_, "shim-signed") = signed else { return #expect(Bool(false), "\(signed as Any)") }
    }
  }

  @Test func aDamagedBootRecordIsNotUsed() async throws {
    try await withWorkshop { workshop in
      let folder = workshop.loaders.amd64.appending("usr/lib/grub/i386-pc")
      try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
      try AtomicFile.write([1, 2, 3], to: folder.appending("boot_hybrid.img"))
      let failure = #expect(throws: BootAssemblyFailure.self) { try BIOSLoader(modules: folder).hybridMBR() }
      #expect(failure?.code == "boot-loader-damaged")
    }
  }

  @Test func aFileThatChangedMeanwhileIsNoticed() async throws {
    try await withWorkshop { workshop in
      let system = try workshop.system(.x64)
      let entry = BootTree.Entry("vmlinuz", .file(system.kernel, ByteCount(4999)))
      await #expect(throws: OperationFailure("read all of", "vmlinuz", .ioError)) {
        try await MediumDigests.files([entry]) { _ in }
      }
    }
  }

  @Test func aMissingFileIsNamed() async throws {
    try await withWorkshop { workshop in
      let entry = BootTree.Entry("x", .file("/nowhere/x", ByteCount(1)))
      await #expect(throws: OperationFailure("open", "/nowhere/x", .noSuchFileOrDirectory)) {
        try await MediumDigests.files([entry]) { _ in }
      }
    }
  }
}
