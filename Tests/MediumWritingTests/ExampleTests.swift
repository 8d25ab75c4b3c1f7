// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension ISOWriting {
  /// The README's example, run as anyone would run it.
  @Suite struct Example {
    private func run(_ arguments: [String], in folder: FilePath) throws -> (status: Int32, said: String) {
      let process = Process()
      process.executableURL = URL(filePath: programs.appending("iso-from-folder").string)
      process.currentDirectoryURL = URL(filePath: folder.string)
      process.arguments = arguments
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let said = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      process.waitUntilExit()
      return (process.terminationStatus, said)
    }

    private func prepared() throws -> TemporaryFolder {
      let scratch = try TemporaryFolder()
      try scratch.file("tree/boot/eltorito.img", pattern(30_000))
      try scratch.file("tree/read me.txt", Array("hello\n".utf8))
      try scratch.file("esp.img", pattern(65_536))
      return scratch
    }

    /// With relative paths, which libisofs itself does not take.
    @Test func makesABootableImage() async throws {
      let scratch = try prepared()
      let (status, said) = try run(
        ["tree", "boot/eltorito.img", hybridMBR.string, "esp.img", "out.iso"], in: scratch.path)
      #expect(status == 0)
      let size = ByteCount(try bytes(of: scratch["out.iso"]).count)
      #expect(said == "out.iso: 2 files, \(size.exact) bytes\n")
      try await extract(scratch["out.iso"], to: scratch["x"])
      #expect(try bytes(of: scratch["x/read me.txt"]) == Array("hello\n".utf8))
    }

    @Test func saysWhatIsWrong() throws {
      let scratch = try prepared()
      let (status, said) = try run(["tree", "boot/none.img", hybridMBR.string, "esp.img", "out.iso"], in: scratch.path)
      #expect(status == 1)
      #expect(
        said
          == "the tree has no BIOS boot image \"boot/none.img\"\nAdd the boot image to the tree, or leave BIOS booting out.\n"
      )
      #expect(try run(["tree"], in: scratch.path).status == 64)
      #expect(scratch.names == ["esp.img", "tree"])
    }
  }
}
