// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

extension FlashMediaFailure {
  /// Why a drive cannot have, or keep, a partition for data; nothing has been written to it.
  public enum DataProblem: Sendable, Equatable {
    /// A program that is needed is missing, or failed.
    case program(ExternalCommand.Failure)
    /// A file of this machine could not be made.
    case file(OperationFailure)
    /// The image does not tell how large it is before its end.
    case unknownSize(image: FilePath)
    /// The image has no GUID partition table that can get one more entry.
    case noTable(image: FilePath)
    /// The image would reach into the partition that the drive has.
    case inTheWay(FilePath, partition: FlashRange, image: ByteCount)
    /// The drive has blocks of another size than those that the image's table counts in.
    case blockSize(FilePath, Int)
  }
}

extension FlashMediaFailure.DataProblem {
  var code: String {
    switch self {
    case .program(let failure): failure.code
    case .file(let failure): failure.code
    case .unknownSize: "unknown-size"
    case .noTable: "no-table"
    case .inTheWay: "data-in-the-way"
    case .blockSize: "target-refused"
    }
  }

  var message: String {
    switch self {
    case .program(let failure): failure.message
    case .file(let failure): failure.message
    case .unknownSize(let image):
      "\(image) does not say how large it is once decompressed, so Lifeboat cannot tell where a data partition could go"
    case .noTable(let image):
      "\(image) has no GUID partition table of 512-byte blocks that could list a data partition"
    case .inTheWay(let device, let partition, let image):
      "\(device) has a data partition from byte \(partition.offset.exact) on (\(partition.length)),"
        + " and the image has \(image.exact) bytes"
    case .blockSize(let device, let bytes):
      "\(device) has blocks of \(bytes) bytes; a data partition needs a drive with blocks of 512 bytes"
    }
  }

  var remedy: String? {
    switch self {
    case .program(let failure): failure.remedy
    case .file(let failure): failure.remedy
    case .unknownSize: "Decompress it first, or compress it with zstd or xz, which note the size."
    case .noTable: "Write the whole drive, without a data partition; that deletes any data partition on the drive."
    case .inTheWay:
      "Copy the data partition's files elsewhere, then write the whole drive again, with a new data partition."
    case .blockSize: "Take another drive, or write without a data partition."
    }
  }

  var kind: FailureKind {
    switch self {
    case .program(let failure): failure.kind
    case .file(let failure): failure.kind
    case .unknownSize, .noTable: .badInput
    case .inTheWay, .blockSize: .refusedTarget
    }
  }
}
