// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Signing
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

/// Drives that are larger than the image on them, with and without a data partition.
@Suite struct DriveTablesTests {
  private static let size: Int64 = 96 << 20
  private static let basicData = GUIDPartitionTable.basicData

  /// A drive as `write --data` leaves it: sfdisk's table, of which the MBR gets two fields alone.
  private func drive(
    _ medium: TestMedium, _ scratch: TemporaryFolder, entry: String = "start=65536, size=100000",
    type: String = basicData,
    name: String = "lifeboat-data"
  ) async throws -> FilePath {
    let file = try scratch.write("drive", medium.bytes)
    let descriptor = try FileDescriptor.open(file, .readWrite)
    defer { try? descriptor.close() }
    try descriptor.resize(to: Self.size)
    _ = try await ExternalCommand(
      "sfdisk",
      [
        "--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never", "--append",
        file.string,
      ]
    ).output(input: Array("\(entry), type=\(type), name=\"\(name)\"\n".utf8))
    let sector = Array(try FileTree.bytes(of: file)[..<512])
    var own = Array(medium.bytes[..<512])
    for range in [451..<454, 458..<462] { own.replaceSubrange(range, with: sector[range]) }
    _ = try descriptor.writeAll(toAbsoluteOffset: 0, own)
    return file
  }

  @Test(arguments: [basicData, GUIDPartitionTable.linuxData])
  func aDriveWithADataPartitionIsWhole(type: String) async throws {
    let (medium, scratch) = (try await TestMedium.shared, try TemporaryFolder())
    let report = try await MediumVerification.verify(try await drive(medium, scratch, type: type))
    #expect(report.findings.map(\.message) == [])
    #expect(report.isClean)
    #expect(report.imageSize == ByteCount(medium.bytes.count))
  }

  /// No other partition is allowed, nor a second one.
  @Test func anyOtherPartitionBehindTheImageIsFound() async throws {
    let (medium, scratch) = (try await TestMedium.shared, try TemporaryFolder())
    for (type, name) in [
      (GUIDPartitionTable.efiSystemPartitionType, "lifeboat-data"), (Self.basicData, "other"),
    ] {
      let report = try await MediumVerification.verify(try await drive(medium, scratch, type: type, name: name))
      #expect(report.findings.map(\.structure) == ["GPT entry 4"])
      #expect(report.findings.first?.kind == .unexpected)
    }
    let two = try await drive(medium, scratch)
    try await ExternalCommand("sgdisk", ["-n", "5:180000:+1M", "-c", "5:lifeboat-data", two.string]).run()
    let report = try await MediumVerification.verify(two)
    #expect(report.findings.contains { $0.structure == "GPT entry 5" })
  }

  @Test func aChangedTableOfADriveIsFound() async throws {
    let (medium, scratch) = (try await TestMedium.shared, try TemporaryFolder())
    let file = try await drive(medium, scratch)
    try await ExternalCommand("sgdisk", ["-t", "3:ef00", file.string]).run()
    let report = try await MediumVerification.verify(file)
    #expect(report.findings.contains { $0.structure == "GPT entry 3" })
  }

  /// Firmware reads the table at the end of a drive where the first one is damaged.
  @Test func aTableBehindTheImageIsFound() async throws {
    let (medium, scratch) = (try await TestMedium.shared, try TemporaryFolder())
    let other = try scratch.write("other", [])
    let descriptor = try FileDescriptor.open(other, .readWrite)
    try descriptor.closeAfter { try descriptor.resize(to: Self.size) }
    try await ExternalCommand("sgdisk", ["-n", "1:2048:+8M", "-t", "1:ef00", other.string]).run()
    var bytes = try FileTree.bytes(of: other)
    bytes.replaceSubrange(..<medium.bytes.count, with: medium.bytes)
    let stick = DiskImageReader(path: "/dev/sdz", source: MemoryBytes(bytes), isBlockDevice: true)
    let report = try await MediumVerification.verify(stick)
    #expect(report.findings.map(\.structure) == ["a partition table behind the image"])
  }
}
