// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumWriting

/// Whether this user may mount a RAM file system in a namespace of his own.
private let mayMount: Bool = {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/unshare")
  process.arguments = ["-Urm", "sh", "-c", "mount -t tmpfs none /mnt"]
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return false }
  process.waitUntilExit()
  return process.terminationStatus == 0
}()

extension ISOWriting {
  /// No room: said beforehand where that can be known, and always without leaving a partial image.
  @Suite struct DiskFull {
    /// Runs the example program with a folder on a file system of its own; then lists that folder.
    private func run(mounting: String, prefix: String = "", size: ByteCount) async throws -> (
      said: String, left: [String]
    ) {
      let scratch = try TemporaryFolder()
      try scratch.file("tree/boot/eltorito.img", pattern(3000))
      try scratch.file("tree/data", pattern(Int(size.bytes)))
      try scratch.file("efi.img", pattern(65_536))
      try FileManager.default.createDirectory(atPath: scratch["mnt"].string, withIntermediateDirectories: false)
      let script = """
        mount -t \(mounting) none "$1/mnt" || exit 99
        \(prefix) "$2" "$1/tree" boot/eltorito.img "$3" "$1/efi.img" "$1/mnt/out.iso"
        echo "status $?"
        echo "left:"
        ls -A "$1/mnt"
        """
      let text = try await ExternalCommand(
        "unshare",
        [
          "-Urm", "sh", "-c", script, "sh", scratch.path.string, programs.appending("iso-from-folder").string,
          hybridMBR.string,
        ]
      ).text()
      let parts = text.components(separatedBy: "left:\n")
      return (parts[0], parts[1].split(separator: "\n").map(String.init))
    }

    @Test(.enabled(if: mayMount, "this system allows no user namespaces"))
    func isSaidBeforehandWithBothSizes() async throws {
      let (said, left) = try await run(mounting: "tmpfs -o size=2m", size: .mebibytes(4))
      #expect(said.contains("/mnt/out.iso needs 4."))
      #expect(said.contains("but its file system has only 2.0 MB left"))
      #expect(said.contains("\nFree some space"))
      #expect(said.contains("\nstatus 1\n"))
      #expect(left == [])
    }

    @Test(.enabled(if: mayMount, "this system allows no user namespaces"))
    func roomThatSufficesIsUsed() async throws {
      let (said, left) = try await run(mounting: "tmpfs -o size=8m", size: .mebibytes(4))
      #expect(said.contains("\nstatus 0\n"))
      #expect(left == ["out.iso"])
    }

    /// ramfs tells nothing about its room and can promise none, so that the limit strikes in the middle.
    @Test(.enabled(if: mayMount, "this system allows no user namespaces"))
    func fileSizeLimitStrikesInTheMiddle() async throws {
      let (said, left) = try await run(mounting: "ramfs", prefix: "prlimit --fsize=2000000", size: .mebibytes(4))
      #expect(said.contains("/mnt/out.iso cannot be a file of 4."))
      #expect(said.contains("ulimit -f"))
      #expect(said.contains("\nstatus 1\n"))
      #expect(left == [])
    }

    @Test(.enabled(if: mayMount, "this system allows no user namespaces"))
    func fileSizeLimitIsSaidBeforehandWhereRoomIsClaimed() async throws {
      let (said, left) = try await run(
        mounting: "tmpfs -o size=8m", prefix: "prlimit --fsize=2000000", size: .mebibytes(4))
      #expect(said.contains("/mnt/out.iso cannot be a file of 4."))
      #expect(said.contains("\nstatus 1\n"))
      #expect(left == [])
    }

    /// /dev/full answers every write as a full disk does.
    @Test func strikesWhileWriting() throws {
      let descriptor = try FileDescriptor.open("/dev/full", .readWrite)
      defer { try? descriptor.close() }
      var file = ImageFile(descriptor, at: "/x/out.iso", size: .mebibytes(4))
      let piece = pattern(4096)
      #expect {
        try piece.withUnsafeBytes { try file.write($0) }
      } throws: { error in
        guard case .target("/x/out.iso", .diskFull(.mebibytes(4), _))? = error as? ISOImage.Failure else {
          return false
        }
        return true
      }
    }
  }
}
