// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumWriting

/// Room for an image of 4.3 GB and then some.
private let hasRoom: Bool = {
  let attributes = try? FileManager.default.attributesOfFileSystem(
    forPath: FileManager.default.temporaryDirectory.path)
  return (attributes?[.systemFreeSize] as? Int64 ?? 0) > 12_000_000_000
}()

extension ISOWriting {
  @Suite struct LargeFiles {
    /// A source without blocks, with marks at its ends and around the seam of its two extents.
    @Test(.enabled(if: hasRoom, "needs 12 GB of free space for temporary files"))
    func overFourGibibytes() async throws {
      let scratch = try TemporaryFolder()
      let size = ByteCount(Int64(4) << 30) + ByteCount(5_000_001)
      let source = try scratch.sparse("big", size)
      let marks: [Int64] = [0, 4_294_965_248 - 8, 4_294_965_248, (4 << 30) - 4, 4 << 30, size.bytes - 16]
      let descriptor = try FileDescriptor.open(source, .readWrite)
      for mark in marks {
        _ = try descriptor.writeAll(toAbsoluteOffset: mark, Array("mark\(mark % 1000)....".utf8.prefix(8)))
      }
      let tree = dataTree([.init("big", .file(source, size)), .init("small", .bytes([7, 8, 9]))])
      let written = try await ISOImage.write(tree, to: scratch["out.iso"])
      #expect(written.size > size)

      // xorriso names each extent: first block, blocks, offset and size in the file.
      let text = try await ExternalCommand(
        "xorriso", ["-indev", scratch["out.iso"].string, "-find", "/big", "-exec", "report_sections", "--"],
        package: "xorriso"
      ).text()
      let extents = text.split(separator: "\n").filter { $0.hasPrefix("File data lba:") }.map { line in
        line.split { !$0.isNumber }.compactMap { Int64($0) }
      }
      #expect(extents.count == 2)
      #expect(extents.reduce(0) { $0 + $1[3] } == size.bytes)
      let image = try FileDescriptor.open(scratch["out.iso"], .readOnly)
      var start: Int64 = 0
      for extent in extents {
        for mark in marks where mark >= start && mark + 8 <= start + extent[3] {
          let expected = try descriptor.bytes(at: mark)
          #expect(try image.bytes(at: extent[1] * 2048 + mark - start) == expected, "mark at \(mark)")
        }
        start += extent[3]
      }
      try descriptor.close()
      try image.close()
    }
  }
}

extension FileDescriptor {
  fileprivate func bytes(at offset: Int64) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: 8) { buffer, initialized in
      initialized = try read(fromAbsoluteOffset: offset, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }
}
