// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
internal import HostSystem
internal import SystemPackage

/// A GUID partition table as `sfdisk` tells it. What its bytes mean is left to sfdisk: nothing here reads or makes them.
struct PartitionTable: Hashable {
  /// The first block that a partition may have: up to there reaches the table.
  var firstBlock: Int64
  /// The last one: from there on reaches the backup.
  var lastBlock: Int64
  var entries: [Entry]

  /// The blocks that it counts in; sfdisk takes a file's to be of 512 bytes.
  static let blockSize: Int64 = 512

  /// A line of the table, numbers in blocks.
  struct Entry: Hashable, Decodable {
    var start: Int64
    var size: Int64
    var type: String
    var uuid: String?
    var name: String?
    var attrs: String?

    var range: Range<Int64> { start * PartitionTable.blockSize..<(start + size) * PartitionTable.blockSize }

    init(_ range: Range<Int64>, type: String, name: String) {
      start = range.lowerBound / PartitionTable.blockSize
      size = (range.upperBound - range.lowerBound) / PartitionTable.blockSize
      (self.type, self.name) = (type, name)
    }

    /// In the words of sfdisk's scripts.
    var line: String {
      let values = [("uuid", uuid), ("name", name.map { "\"\($0)\"" }), ("attrs", attrs.map { "\"\($0)\"" })]
      return
        (["start=\(start)", "size=\(size)", "type=\(type)"]
        + values.compactMap { key, value in value.map { "\(key)=\($0)" } }).joined(separator: ", ")
    }
  }

  /// Reads the table of a file of a drive's size; where only its backup is intact, that.
  /// - Returns: nil where there is no GUID partition table.
  /// - Throws: `ExternalCommand.Failure.notInstalled`.
  static func read(_ file: FilePath) async throws -> PartitionTable? {
    do {
      let json = try await sfdisk(["--json", file.string]).output()
      let document = try JSONDecoder().decode(Document.self, from: Data(json)).partitiontable
      guard document.label == "gpt", let first = document.firstlba, let last = document.lastlba else { return nil }
      return PartitionTable(firstBlock: first, lastBlock: last, entries: document.partitions ?? [])
    } catch ExternalCommand.Failure.failed { return nil } catch is DecodingError { return nil }
  }

  private struct Document: Decodable {
    var partitiontable: Table
    struct Table: Decodable {
      var label: String
      var firstlba: Int64?
      var lastlba: Int64?
      var partitions: [Entry]?
    }
  }

  /// Adds entries to the table of a file of a drive's size, and puts its backup at the file's end.
  /// - Throws: `ExternalCommand.Failure`.
  static func append(_ entries: [Entry], to file: FilePath) async throws {
    let script = entries.map { $0.line + "\n" }.joined()
    // The file is no device, and what lies in it is none of sfdisk's business.
    let options = ["--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never"]
    _ = try await sfdisk(options + ["--append", file.string]).output(input: Array(script.utf8))
  }

  /// What has to be installed.
  static let program = sfdisk([])

  private static func sfdisk(_ arguments: [String]) -> ExternalCommand {
    ExternalCommand("sfdisk", arguments, environment: ["LC_ALL": "C"], package: "fdisk")
  }
}
