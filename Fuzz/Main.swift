// SPDX-License-Identifier: GPL-3.0-or-later
import CFuzzer

/// Feeds a parser of foreign bytes with what libFuzzer thinks up, guided by the code that each input reaches.
///
///     fuzz TARGET [libFuzzer's options] CORPUS...
///
/// Without a target it lists them. Whatever traps, loops, or takes more memory than it may ends the run, and the input is
/// kept in a file.
@main enum Fuzz {
  /// Each kind of bytes that somebody else wrote, and who reads it.
  static let targets: [(name: String, parse: @Sendable ([UInt8]) -> Void)] = [
    ("block-map", blockMap), ("boot-policy", bootPolicy), ("checksum-file", checksumFile), ("dhcp", dhcp),
    ("grub-block", grubBlock), ("iso", iso), ("loader", loader), ("manifest", manifest),
    ("partition-table", partitionTable), ("records", records), ("request-target", requestTarget), ("tftp", tftp),
    ("volume", volume),
  ]

  static func main() {
    let name = CommandLine.arguments.dropFirst().first
    guard let target = targets.first(where: { $0.name == name }) else {
      print(targets.map(\.name).joined(separator: "\n"))
      return
    }
    parse = target.parse
    // libFuzzer sees the program's name and its own arguments.
    var arguments = CommandLine.unsafeArgv.advanced(by: 1)
    var count = CommandLine.argc - 1
    withUnsafeMutablePointer(to: &arguments) { arguments in
      arguments.withMemoryRebound(to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self, capacity: 1) {
        _ = LLVMFuzzerRunDriver(&count, $0, take)
      }
    }
  }

  /// What libFuzzer calls has no room for a closure.
  nonisolated(unsafe) fileprivate static var parse: @Sendable ([UInt8]) -> Void = { _ in }
}

/// The one function that libFuzzer's library demands by name.
@_cdecl("LLVMFuzzerTestOneInput") func take(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
  Fuzz.parse(Array(UnsafeBufferPointer(start: bytes, count: size)))
  return 0
}
