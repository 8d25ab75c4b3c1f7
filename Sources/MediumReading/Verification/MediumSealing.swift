// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import Signing
public import SystemPackage

/// What the writer of a new medium does last.
///
///     tables, folders, padding ──digest──▶ lifeboat.json ──signature──▶ lifeboat.json.sig
///                 └──────────digests──────────▶ seal ◀──digests──────────┘
///
/// The record says, in a digest, what every byte is that is no file's. That is known only when the record lies in its
/// place; so it is written with zeros for that digest, which are replaced here, and signed again: both keep their
/// lengths. So a signature covers the layout too, and a seal that somebody made again does not fit it.
extension StructureSeal {
  /// Completes an image that is complete but for this, as `ISOImage.write` wants it.
  /// - Parameter signingKey: the key that the record on it was signed with, or nil where it is not signed.
  /// - Returns: what throws `ISOReader.Failure`, `MediumVerification.Failure`, `SigningFailure`, `OperationFailure`.
  public static func finish(signingKey: FilePath? = nil) -> @Sendable (FileDescriptor, ByteCount) throws -> Void {
    { descriptor, size in
      try bindLayout(descriptor, size, signingKey)
      try apply(to: descriptor, size: size)
    }
  }

  private static func bindLayout(_ descriptor: FileDescriptor, _ size: ByteCount, _ signingKey: FilePath?) throws {
    let path: FilePath = "the new image"
    let source = try OperationFailure.wrap("read", path) { try OpenedFile(borrowing: descriptor) }
    let image = DiskImageReader(path: path, source: source, size: size.bytes)
    let reader = try ISOReader(image)
    guard try MediumVerification.record(of: reader).layout == MediumRecord.layoutToCome,
      let node = reader.tree.node(MediumRecord.path)
    else { return }
    let seal = try StructureSeal(of: image)
    var text = String(decoding: try reader.content(of: node), as: UTF8.self)
    if let key = text.firstRange(of: "\"layout\""),
      let zeros = text[key.upperBound...].firstRange(of: String(repeating: "0", count: 64))
    {
      text.replaceSubrange(zeros, with: seal.layout.hex)
    }
    let record = Array(text.utf8)
    try put(record, at: node, descriptor, path)
    guard let signingKey, let place = reader.tree.node(MediumRecord.signaturePath) else { return }
    let signature = try BlockingThread.waiting { try await SiteKey.sign(record, with: signingKey) }
    try put(signature, at: place, descriptor, path)
  }

  private static func put(_ bytes: [UInt8], at node: ISONode, _ descriptor: FileDescriptor, _ path: FilePath) throws {
    guard node.extents.count == 1, let extent = node.extents.first, extent.length == ByteCount(bytes.count) else {
      throw ISOReader.Failure.damaged(
        path: path, structure: "place of /\(node.path)", offset: node.extents.first?.offset ?? .zero)
    }
    _ = try OperationFailure.wrap("write", path) {
      try descriptor.writeAll(toAbsoluteOffset: extent.offset.bytes, bytes)
    }
  }

  /// What a record says of the layout: the size and all digests but those of the record and its signature, which are
  /// written after it.
  var layout: Digest { Self.layout(imageSize: imageSize, digests: digests) }

  static func layout(imageSize: ByteCount, digests: [Digest]) -> Digest {
    let counted = SealedClass.allCases.filter { $0 != .record && $0 != .signature }
    let size = (0..<8).map { UInt8(truncatingIfNeeded: imageSize.bytes >> (8 * Int64($0))) }
    return Digest(of: Array("Lifeboat layout 1\n".utf8) + size + counted.flatMap { digests[$0.index].bytes })
  }
}
