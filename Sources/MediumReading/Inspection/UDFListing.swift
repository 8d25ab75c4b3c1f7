// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// The files of a UDF volume that stands beside ISO 9660, as on Windows' own media, where the latter holds one file that
/// says so. They are listed by 7z in a process of limits: a reader of UDF is a large thing to point at foreign bytes.
enum UDFListing {
  typealias Contents = ISOInspection.Contents

  /// Seconds of processor time, bytes of memory, and bytes of listing.
  private static let limits = (seconds: 30, memory: 1 << 30, listing: 64 << 20)

  /// - Returns: nil, and why, where they cannot be listed; nil alone where there is no UDF.
  static func contents(_ reader: ISOReader) async -> (contents: Contents?, notes: [String]) {
    guard let udf = reader.udf else { return (nil, []) }
    let what = "the image is also a UDF volume (\(udf))"
    do {
      let listing = try await command(reader.image.path).output(limit: limits.listing)
      return (contents(String(decoding: listing, as: UTF8.self)), ["\(what), whose files are counted here"])
    } catch ExternalCommand.Failure.failed(_, _, let lines)
      where lines.contains(where: { $0.contains("failed to execute") })
    {
      return (nil, ["\(what); its files are not listed: 7z is not installed (apt-get install p7zip-full)"])
    } catch {
      return (nil, ["\(what); its files are not listed: 7z could not read it"])
    }
  }

  static func command(_ path: FilePath) -> ExternalCommand {
    ExternalCommand(
      "prlimit",
      [
        "--cpu=\(limits.seconds)", "--as=\(limits.memory)", "7z", "l", "-slt", "-ba", "-tudf", "--",
        path.string,
      ], environment: ["LC_ALL": "C.UTF-8"], package: "p7zip-full")
  }

  /// Blocks of `Key = value` lines, one for each file or folder (7z l -slt).
  static func contents(_ listing: String) -> Contents {
    var files: [Contents.File] = []
    var (folders, path, size, isFolder) = (0, "", Int64(0), false)
    func end() {
      if !path.isEmpty {
        if isFolder { folders += 1 } else { files.append(.init(path: "/" + path.printable, size: ByteCount(size))) }
      }
      (path, size, isFolder) = ("", 0, false)
    }
    for line in listing.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: " = ", maxSplits: 1)
      let value = parts.count == 2 ? String(parts[1]) : ""
      switch parts.first {
      case "Path":
        end()
        path = value
      case "Folder": isFolder = value == "+"
      case "Size": size = Int64(value) ?? 0
      default: break
      }
    }
    end()
    return Contents(
      files: files.count, folders: folders, links: 0, bytes: ByteCount(files.reduce(Int64(0)) { $0 &+ $1.size.bytes }),
      largest: Array(files.sorted { ($1.size, $0.path) < ($0.size, $1.path) }.prefix(10)))
  }
}
