// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TrialMachine

/// What is wrong with a drive that lies: its sectors are served by nbdkit, by scripts that do not do what a drive does.
enum LabFault: Sendable {
  /// What is written past its real size lands at the address modulo that size.
  case wrapsAround(at: ByteCount)
  /// What is written past its real size is dropped.
  case drops(from: ByteCount)
  /// This byte always reads as `value`.
  case flips(byte: Int, value: UInt8)
  /// This byte reads as `value` until it has been written a second time.
  case flipsOnce(byte: Int, value: UInt8)

  static func socket(of drive: LabDrive, in folder: FilePath) -> FilePath { folder.appending("\(drive.id).nbd") }

  /// Serves the drive until the task is cancelled.
  func serve(_ drive: LabDrive, in folder: FilePath) async throws {
    try await ExternalCommand(
      "nbdkit",
      [
        "--foreground", "--unix", Self.socket(of: drive, in: folder).string, "eval",
        "get_size=echo \(drive.size.bytes)",
      ] + scripts(drive.image(in: folder)), package: "nbdkit"
    ).run()
  }

  /// Waits until the server is there.
  static func untilServed(_ drive: LabDrive, in folder: FilePath) async throws {
    try await LocalSocket(path: socket(of: drive, in: folder)).connect().close()
  }

  /// In each, `$3` is how many bytes and `$4` the offset (nbdkit-eval-plugin(1)).
  private func scripts(_ image: FilePath) -> [String] {
    func read(_ offset: String, _ count: String) -> String {
      "dd if=\(image) bs=64K iflag=skip_bytes,count_bytes skip=\(offset) count=\(count) status=none"
    }
    func write(_ offset: String) -> String {
      "dd of=\(image) bs=64K oflag=seek_bytes seek=\(offset) conv=notrunc status=none"
    }
    /// A read of which one byte is another.
    func flipped(_ byte: Int, _ value: UInt8, unless exception: String = "false") -> String {
      """
      pread=if \(exception) || [ $4 -gt \(byte) ] || [ $(($4 + $3)) -le \(byte) ]; then \(read("$4", "$3")); else
        \(read("$4", "$((\(byte) - $4))"))
        printf '\\\(String(value, radix: 8))'
        \(read("\(byte + 1)", "$(($4 + $3 - \(byte) - 1))"))
      fi
      """
    }
    switch self {
    case .wrapsAround(let size):
      let place = "$(($4 % \(size.bytes)))"
      return ["pread=\(read(place, "$3"))", "pwrite=\(write(place))"]
    case .drops(let size):
      return [
        "pread=\(read("$4", "$3"))", "pwrite=if [ $4 -lt \(size.bytes) ]; then \(write("$4")); else cat >/dev/null; fi",
      ]
    case .flips(let byte, let value):
      return [flipped(byte, value), "pwrite=\(write("$4"))"]
    case .flipsOnce(let byte, let value):
      let count = """
        pwrite=if [ $4 -le \(byte) ] && [ $(($4 + $3)) -gt \(byte) ]; then echo >>\(image).writes; fi
        \(write("$4"))
        """
      return [flipped(byte, value, unless: "[ $(cat \(image).writes 2>/dev/null | wc -l) -ge 2 ]"), count]
    }
  }
}
