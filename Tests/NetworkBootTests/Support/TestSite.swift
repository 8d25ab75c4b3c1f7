// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import HostSystem
import SystemPackage
import TestSupport

/// A site in a temporary folder, made by hand: what the service must be able to serve, and what it must refuse.
final class TestSite: Sendable {
  let folder: TemporaryFolder
  var path: FilePath { folder.path }

  init() throws { folder = try TemporaryFolder() }

  /// A file under its name.
  struct Object {
    var name: String
    var bytes: [UInt8]
    var type = "application/octet-stream"
  }

  /// Bytes that tell where they come from: each piece of 4 KiB begins with its number.
  static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    let noise = (0..<4096).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + noise.count)
    while bytes.count < count {
      withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { bytes += $0 }
      bytes += noise.dropLast(8)
    }
    return Array(bytes.prefix(count))
  }

  /// Writes a set and makes it the current one.
  @discardableResult
  func publish(
    _ number: Int, _ objects: [Object], entries: [String: String] = [:], images: [String] = ["demo"],
    layers: [String] = [], servers: [String] = ["http://10.66.0.2"]
  ) throws -> SetIndex {
    var listed: [SetIndex.Object] = []
    for object in objects {
      let digest = Digest(of: object.bytes)
      try folder.write("objects/\(digest.hex.prefix(2))/\(digest.hex)", object.bytes)
      listed.append(
        SetIndex.Object(
          name: object.name, size: ByteCount(Int64(object.bytes.count)), digest: digest, type: object.type))
    }
    let medium = SetIndex.Medium(identifier: "0123456789abcdef", release: "1", layers: layers)
    let media = layers.isEmpty ? [:] : ["x64": medium]
    let described = images.map { SetIndex.Image(name: $0, title: $0, media: media, entries: entries) }
    let index = SetIndex(number: number, servers: servers, images: described, objects: listed)
    try folder.write("sets/\(number)/index.json", try index.encoded())
    try makeCurrent(number)
    return index
  }

  /// Switches as a publisher does: by one rename.
  func makeCurrent(_ number: Int) throws {
    let new = folder.appending("current.new")
    try FileTree.makeLink(new, to: "sets/\(number)")
    try AtomicFile.move(new, to: folder.appending("current"))
  }

  /// Where an object lies.
  func file(_ bytes: [UInt8]) -> FilePath {
    let hex = Digest(of: bytes).hex
    return folder.appending("objects/\(hex.prefix(2))/\(hex)")
  }
}
