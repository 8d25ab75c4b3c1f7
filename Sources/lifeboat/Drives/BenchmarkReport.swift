// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FlashMedia
import HostSystem
import SystemPackage

/// How fast a drive reads, with what one has to know to compare it with another's: what `devices --benchmark` prints.
struct BenchmarkReport: Encodable {
  var lifeboat: String
  /// The kernel's release.
  var kernel: String
  var drive: Drive
  var benchmark: ReadBenchmark

  init(of drive: Drive) async throws {
    lifeboat = Version.current
    kernel = Self.kernelRelease()
    self.drive = drive
    benchmark = try await ReadBenchmark.run(on: FilePath(drive.path))
  }

  /// For a person, or for the maintainers by mail.
  var lines: [String] {
    let limits = benchmark.limits
    let scattered = benchmark.scattered
    func command(_ bytes: Int64) -> String { bytes == 0 ? "no" : "yes" }
    let reading = benchmark.stretches.map { stretch in
      ["  reads at \(ByteCount(stretch.start))", "\(stretch.rate)/s", "(\(ByteCount(stretch.bytes)))"]
    }
    return [
      Columns.text([drive.planCells]),
      "  blocks of \(limits.logicalBlock) bytes (physical \(limits.physicalBlock)), commands up to "
        + "\(limits.largestCommand >> 10) KiB, discards: \(command(limits.discard)), "
        + "zeroes by itself: \(command(limits.zeroing))",
      Columns.text(reading),
      "  4 KiB at random places: median \(milliseconds(scattered.median)), 99 of 100 within "
        + "\(milliseconds(scattered.percentile99)), slowest of \(scattered.count) \(milliseconds(scattered.slowest))",
      "Nothing was written. Linux \(kernel), Lifeboat \(lifeboat).",
    ]
  }

  private func milliseconds(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) ms"
  }

  private static func kernelRelease() -> String {
    (try? FileTree.text(of: "/proc/sys/kernel/osrelease"))?.filter { !$0.isWhitespace } ?? "unknown"
  }
}
