// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

extension ISOReader {
  /// Why an image cannot be read as an ISO 9660 file system.
  public enum Failure: Diagnosable, Equatable {
    /// There is nothing in the file.
    case empty(path: FilePath)
    /// No primary volume descriptor at its place.
    case notAnISO(path: FilePath, size: ByteCount)
    /// A UDF volume without an ISO 9660 one beside it.
    case udfAlone(path: FilePath)
    /// A structure points outside the image.
    case outsideImage(path: FilePath, offset: ByteCount, size: ByteCount)
    /// A descriptor says something that cannot be.
    case damaged(path: FilePath, structure: String, offset: ByteCount)
    /// A file is larger than what may be loaded at once.
    case tooLarge(path: FilePath, file: String, size: ByteCount)
    /// The image does not have this file.
    case noSuchFile(path: FilePath, file: String)

    /// Stable identifier.
    public var code: String {
      switch self {
      case .empty: "empty-image"
      case .notAnISO: "not-an-iso"
      case .udfAlone: "udf-alone"
      case .outsideImage: "truncated-image"
      case .damaged: "damaged-image"
      case .tooLarge: "file-too-large"
      case .noSuchFile: "no-such-file-on-medium"
      }
    }

    /// What is wrong, and where.
    public var message: String {
      switch self {
      case .empty(let path): "\(path) is empty"
      case .notAnISO(let path, let size):
        "\(path) (\(size)) is not an ISO 9660 image: no volume descriptor at byte 32,768"
      case .udfAlone(let path): "\(path) is a UDF image without ISO 9660, which Lifeboat does not read"
      case .outsideImage(let path, let offset, let size):
        "\(path) has \(size.exact) bytes, but one of its structures points to byte \(offset.exact)"
      case .damaged(let path, let structure, let offset):
        "\(path): the \(structure) at byte \(offset.exact) is damaged"
      case .tooLarge(let path, let file, let size): "\(path): /\(file.printable) says it has \(size.exact) bytes"
      case .noSuchFile(let path, let file): "\(path) does not hold /\(file.printable)"
      }
    }

    /// What helps.
    public var remedy: String? {
      switch self {
      case .empty, .outsideImage: "Copy or download the image again; it is not complete."
      case .udfAlone: "List its files with another program, such as: 7z l"
      case .notAnISO: "Name an ISO image, or the stick or disc that one was written to."
      case .damaged, .tooLarge: "Compare its SHA-256 with the one that was published, and copy the image again."
      case .noSuchFile: "List what the image holds, and choose a file of it."
      }
    }

    /// The input is wrong.
    public var kind: FailureKind { .badInput }
  }
}
